#!/usr/bin/env bash
# ledger prove and ledger digest --against: they name what differs and why, prove holds for each device of a main with many, and
# nothing that was tampered with on main passes.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
: "${OUT:=build}" "${LEDGER:=$PWD/$OUT/ledger}"
work=$TAP_WORK main=ledger_prove_$$
export LC_ALL=C.UTF-8
unset LEDGER_FILE LEDGER_ACTOR
finish() {
  psql -Xqd postgres -c "DROP DATABASE IF EXISTS $main WITH (FORCE)" -c "DROP DATABASE IF EXISTS ${main}_other WITH (FORCE)" >/dev/null 2>&1
  rm -rf "$work"
}
trap finish EXIT
psql -Xqd postgres -c "CREATE DATABASE $main TEMPLATE template0" -c "CREATE DATABASE ${main}_other TEMPLATE template0"
ask() { PGOPTIONS='-c client_min_messages=warning' psql -XqAt -v ON_ERROR_STOP=1 -d "$main" -c "$1" 2>&1; }
load() { "$LEDGER" load "$1" --quiet 2>/dev/null; }
push() { "$LEDGER" push "$1" "$main" >/dev/null; }
user() { # number letter
  printf '{"table":"users","row":{"id":"%s","email":"%s%s@example.com","password_hash":"!","first_name":"%s","last_name":"L"}}\n' "$(id "$1" "$2")" "$2" "$1" "$2"
}
id() { printf '%08d-0000-4000-8000-%012d' "$1" "$(printf '%d' "'$2")"; }
# device FILE LETTER: a file with three users, two accounts and payments between them
device() {
  "$LEDGER" init "$1" >/dev/null 2>&1 && { user 1 "$2"; user 2 "$2"; user 3 "$2"; } | load "$1" &&
    "$LEDGER" account open "$1" USD --number="$2"1 --user="$(id 1 "$2")" >/dev/null &&
    "$LEDGER" account open "$1" USD --number="$2"2 --user="$(id 2 "$2")" >/dev/null &&
    "$LEDGER" deposit "$1" "$2"1 100.00 --ref="$2"-in >/dev/null && "$LEDGER" transfer "$1" "$2"1 "$2"2 10.00 --ref="$2"-1 >/dev/null
}
# prove TITLE STATUS FILE [PATTERN...]: each pattern is in a line of what it says
prove() {
  local title=$1 wanted=$2 file=$3 pattern
  shift 3
  status "$title" "$wanted" "$LEDGER" prove "$file" "$main"
  for pattern; do like "$title: $pattern" "$SEEN$PROBLEM" "$pattern"; done
}
# json EXPRESSION: over the document j on standard input
json() { python3 -c "import json, sys; j = json.load(sys.stdin); print($1)"; }
# undone STATEMENT COMMAND...: with something changed on main, and then as before
undone() {
  local change=$1 back=$2
  shift 2
  ask "SET session_replication_role = replica; $change" >/dev/null # past the schema's own triggers
  "$@"
  ask "SET session_replication_role = replica; $back" >/dev/null
}

a=$work/a.db b=$work/b.db
device "$a" a && device "$b" b || tap_no "two files are made" "$(ls -la "$work")"

# ---- not yet
prove "no ledger_sync" 2 "$a" '3F000' 'ledger push FILE DSN makes it'
status "no such database" 2 "$LEDGER" prove "$a" "dbname=${main}_none"
like "says so in one line" "$PROBLEM" '^ledger prove: .* does not exist \[3D000\]$'
status "nobody listens" 2 "$LEDGER" prove "$a" "host=127.0.0.1 port=1 connect_timeout=2"
status "no file" 2 "$LEDGER" prove "$work/none.db" "$main"
push "$a" || tap_no "the first push" ""
prove "another device, not enrolled" 2 "$b" 'LS001'
push "$b" || tap_no "the other's push" ""

# ---- all is there
prove "the first device" 0 "$a" '^proven: device .* batches received [0-9]+, applied [0-9]+$'
is "says nothing else" "$(wc -l <<<"$SEEN")" 1
prove "the other one, beside it" 0 "$b" '^proven: '
rows=$("$LEDGER" prove "$a" "$main" --json)
is "--json: of every table all rows are the same" "$(json "all(t['rows'] == t['same'] for t in j['tables']), j['proven'], j['problems']" <<<"$rows")" "True True []"
is "its own rows alone are counted" "$(json "sum(t['rows'] for t in j['tables'] if t['table'] == 'users')" <<<"$rows")" "$(sqlite3 "$a" 'SELECT count(*) FROM users')"
is "main has both devices' users" "$(ask "SELECT count(*) FROM users WHERE email LIKE '%@example.com'")" 6
is "nothing is left on main" "$(ask "SELECT count(*) FROM pg_class WHERE relname LIKE 'ledger\\_prove%'")" 0
"$LEDGER" transfer "$a" a1 a2 1.00 --ref=a-2 >/dev/null
"$LEDGER" transfer "$b" b2 b1 1.00 --ref=b-2 >/dev/null
user 4 a | load "$a"
prove "what was written since" 0 "$a" '^proven: ' '^waiting: [1-9]' "public\\.users $(id 4 a)"
push "$a"
prove "is there after the push" 0 "$a" '^proven: '
is "and nothing waits" "$(wc -l <<<"$SEEN")" 1
cp "$a" "$work/old.db"

# ---- others write, too
ask "UPDATE users SET first_name = 'Main' WHERE id = '$(id 1 a)'" >/dev/null
prove "main's own edit is later" 0 "$a" '^superseded: 1$' "public\\.users $(id 1 a)"
ask "INSERT INTO users (id, email, password_hash, first_name, last_name) VALUES (gen_random_uuid(), 'a9@example.com', '!', 'm', 'M')" >/dev/null
user 9 a | load "$a"
push "$a" 2>/dev/null
prove "what main could not apply is in custody" 0 "$a" '^custody: [1-9]' "public\\.users $(id 9 a)" '^in custody because: .*users'
prove "and the other device is none the worse" 0 "$b" '^proven: '
ask "DELETE FROM users WHERE email = 'a9@example.com' AND last_name = 'M'; SELECT count(*) FROM ledger_sync.retry()" >/dev/null
prove "after the repair it is there" 0 "$a" '^proven: '
is "and not in custody" "$(grep -c '^custody' <<<"$SEEN")" 0

# ---- main was tampered with
of_a=$("$LEDGER" status "$a" --json | json "j['device']")
journal=$(ask "SELECT id FROM transactions WHERE reference_number LIKE 'a-1%' ORDER BY id LIMIT 1")
kept="SELECT id FROM audit_logs WHERE id = '${journal%??}00'"
undone "UPDATE transactions SET description = 'other' WHERE id = '$journal'" "UPDATE transactions SET description = NULL WHERE id = '$journal'" \
  prove "a fact was changed" 1 "$a" '^not proven: ' '^differs: 1$' "public\\.transactions $journal"
undone "UPDATE transactions SET status = 'pending' WHERE id = '$journal'" "UPDATE transactions SET status = 'completed' WHERE id = '$journal'" \
  prove "a status was set back" 1 "$a" '^behind: 1$' "public\\.transactions $journal"
undone "CREATE TABLE kept AS SELECT * FROM audit_logs WHERE id IN ($kept); DELETE FROM audit_logs WHERE id IN (SELECT id FROM kept)" \
  "INSERT INTO audit_logs SELECT * FROM kept; DROP TABLE kept" prove "a fact was taken away" 1 "$a" '^missing: 1$' 'public\.audit_logs '
prove "set right it is proven again" 0 "$a" '^proven: '
undone "UPDATE ledger_sync.device SET received_seq = received_seq + 1 WHERE device = '$of_a'" \
  "UPDATE ledger_sync.device SET received_seq = received_seq - 1 WHERE device = '$of_a'" \
  prove "a batch that is not there" 1 "$a" 'and does not$'
undone "CREATE TABLE kept AS SELECT * FROM ledger_sync.batch WHERE device = '$of_a' AND seq = 1; DELETE FROM ledger_sync.batch WHERE device = '$of_a' AND seq = 1" \
  "INSERT INTO ledger_sync.batch SELECT * FROM kept; DROP TABLE kept" prove "a gap between batches" 1 "$a" 'are missing$'
undone "UPDATE ledger_sync.batch SET header = jsonb_set(header, '{head}', to_jsonb(translate(header ->> 'head', '0123456789abcdef', '123456789abcdef0'))) WHERE device = '$of_a' AND seq = 1" \
  "UPDATE ledger_sync.batch SET header = jsonb_set(header, '{head}', to_jsonb(translate(header ->> 'head', '123456789abcdef0', '0123456789abcdef'))) WHERE device = '$of_a' AND seq = 1" \
  prove "another journal" 1 "$a" "the journal's head in batch 1 is not the file's"
prove "set right it is proven again" 0 "$a" '^proven: '
prove "a file of before" 1 "$work/old.db" 'main has batch [0-9]+, and the file has cut [0-9]+$'

# ---- another schema
undone "ALTER TABLE users RENAME COLUMN first_name TO given" "ALTER TABLE users RENAME COLUMN given TO first_name" \
  prove "main lacks a column" 2 "$a" 'public\.users\.first_name' 'LS003'

# ---- digest --against, on a table of many rows
cat >"$work/many.sql" <<'SQL'
CREATE TABLE things (id integer PRIMARY KEY, name text, ip inet, amount numeric(12,4), data jsonb);
CREATE TABLE pairs (a integer, b text, c boolean, PRIMARY KEY (a, b));
CREATE TABLE keyless (v text);
SQL
many=$work/many.db main=${main}_other
"$LEDGER" init "$many" --schema="$work/many.sql" >/dev/null 2>&1
{
  seq 20000 | sed 's/.*/{"table":"things","row":{"id":&,"name":"thing &","ip":"10.0.0.1","amount":"&.5","data":{"n":&}}}/'
  seq 40 | sed 's/.*/{"table":"pairs","row":{"a":&,"b":"x \\"& ","c":true}}/'
} | load "$many"
against() { status "$1" "$2" "$LEDGER" digest "$many" --against "$main" "${@:3}"; }
against "before there is anything" 2
push "$many" || tap_no "a push of many rows" ""
against "equal" 0
is "each table is named" "$SEEN" "public|things|equal|20000 rows
public|pairs|equal|40 rows
public|keyless|equal|0 rows"
prove "and proven" 0 "$many" '^proven: device .* rows 20040, the same on main 20040'
ask "UPDATE things SET name = 'x', amount = 7 WHERE id = 77; UPDATE things SET ip = '10.0.0.2' WHERE id = 19999; DELETE FROM things WHERE id = 12345;
  INSERT INTO things VALUES (30000, 'new'); UPDATE pairs SET c = NULL WHERE a = 7; INSERT INTO keyless VALUES ('v')" >/dev/null
against "a few rows of many" 1
is "are named, with their columns" "$(sort <<<"$SEEN")" "$(sort <<'TEXT'
public|things|differs|20000 rows here, 20000 there
  differs: 77: name, amount
  differs: 19999: ip
  only here: 12345
  only there: 30000
public|pairs|differs|40 rows here, 40 there
  differs: (7,"x ""7 "): c
public|keyless|differs|0 rows here, 1 there (no key to name rows by)
TEXT
)"
against "of one table" 1 --table=pairs
is "that one alone" "$(wc -l <<<"$SEEN")" 2
against "as JSON" 1 --json
is "the same" "$(json "j['equal'], j['all_named'], len(j['rows']), [r['columns'] for r in j['rows'] if r['key'] == '77']" <<<"$SEEN")" "False True 5 [['name', 'amount']]"
ask "DELETE FROM things WHERE id <= 10000" >/dev/null
against "many rows" 1
is "a hundred are named" "$(grep -c '^  only here\|^  differs\|^  only there' <<<"$SEEN")" 100
is "and more" "$(tail -n 1 <<<"$SEEN")" "  and more"
status "prove names what is gone" 1 "$LEDGER" prove "$many" "$main"
like "a hundred, and how many more" "$SEEN" '^  and [0-9]+ more$'

# ---- rows that main had already, under another key
cat >"$work/people.sql" <<'SQL'
CREATE TABLE people (id uuid PRIMARY KEY, email text NOT NULL UNIQUE, name text);
CREATE TABLE profiles (person uuid PRIMARY KEY REFERENCES people (id), bio text);
CREATE TABLE likes (person uuid REFERENCES people (id), thing text, PRIMARY KEY (person, thing));
CREATE TABLE letters (id uuid PRIMARY KEY, sender uuid REFERENCES people (id), body text);
SQL
psql -Xqd postgres -c "DROP DATABASE $main WITH (FORCE)" -c "CREATE DATABASE $main TEMPLATE template0"
person() { # file number letter
  for row in "people\",\"row\":{\"id\":\"$(id "$2" "$3")\",\"email\":\"p$2@example.com\",\"name\":\"$3\"" "profiles\",\"row\":{\"person\":\"$(id "$2" "$3")\",\"bio\":\"of $3\"" \
    "likes\",\"row\":{\"person\":\"$(id "$2" "$3")\",\"thing\":\"tea, of $3\"" "letters\",\"row\":{\"id\":\"$(id "9$2" "$3")\",\"sender\":\"$(id "$2" "$3")\",\"body\":\"$3\""; do
    printf '{"table":"%s}}\n' "$row"
  done | load "$1"
}
for letter in a b; do
  "$LEDGER" init "$work/people_$letter.db" --schema="$work/people.sql" >/dev/null 2>&1
  "$LEDGER" device table "$work/people_$letter.db" people --collision=adopt >/dev/null
  for number in 1 2 3; do person "$work/people_$letter.db" $number $letter; done
done
person "$work/people_b.db" 4 b
push "$work/people_a.db" && push "$work/people_b.db" || tap_no "two devices that know the same people" ""
prove "who came first" 0 "$work/people_a.db" '^proven: '
like "sees its people and profiles written over" "$(grep -v '^  ' <<<"$SEEN" | tail -n +2)" '^superseded: 6$'
prove "who came second" 0 "$work/people_b.db" '^proven: .* rows 16, the same on main 13; ' '^adopted: 3$' "public\.people $(id 1 b)"
is "and nothing else is said" "$(grep -c '^[a-z]' <<<"$SEEN")" 2
is "what refers to them stands with main's keys" "$(ask "SELECT count(*) FROM likes WHERE person = '$(id 1 a)'")" 2
ask "DELETE FROM likes WHERE person = '$(id 2 a)' AND thing = 'tea, of b'; DELETE FROM ledger_sync.row_version WHERE table_name = 'likes'" >/dev/null
prove "what is missing of them is named" 1 "$work/people_b.db" '^missing: 1$' 'public\.likes \('

# ---- a backup of a device that went on: what it sent after the backup another has written
psql -Xqd postgres -c "DROP DATABASE $main WITH (FORCE)" -c "CREATE DATABASE $main TEMPLATE template0"
letter() { printf '{"table":"contacts","op":"%s","row":{"id":"%s","email":"%s@example.com","message":"%s"}}\n' "$2" "$(id "$1" c)" "$3" "$3"; }
"$LEDGER" init "$work/on.db" >/dev/null 2>&1
push "$work/on.db"
{ letter 1 insert one && letter 2 insert two && letter 3 insert three; } | load "$work/on.db"
push "$work/on.db"
"$LEDGER" backup "$work/on.db" "$work/on.backup"
{ letter 1 upsert later && printf '{"table":"contacts","op":"delete","where":{"id":"%s"}}\n' "$(id 2 c)"; } | load "$work/on.db"
push "$work/on.db"
status "the backup is put in place" 0 "$LEDGER" restore "$work/on.backup" "$work/back.db"
letter 4 insert four | load "$work/back.db"
push "$work/back.db" || tap_no "it is pushed" ""
prove "what the device changed after it is written over" 0 "$work/back.db" '^proven: ' '^superseded: 2$' "public\.contacts $(id 1 c)" "public\.contacts $(id 2 c)"
prove "and the device has all" 0 "$work/on.db" '^proven: '
ask "DELETE FROM contacts WHERE id = '$(id 3 c)'; DELETE FROM ledger_sync.row_version WHERE key = '$(id 3 c)'" >/dev/null
prove "what main lost of before is missing" 1 "$work/back.db" '^missing: 1$' "public\.contacts $(id 3 c)"
tap_end
