#!/usr/bin/env bash
# Batches carried by hand, as somebody does it: keys, bundles, ledger receive beside main, the acknowledgement back to the device; and
# all that is refused on the way, with one line that says why, before a byte of SQL.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
: "${OUT:=build}" "${LEDGER:=$PWD/$OUT/ledger}"
. tests/lib/sync.sh
work=$TAP_WORK
trap 'main_drop_all; rm -rf "$work"' EXIT
unset LEDGER_FILE LEDGER_ACTOR
umask 022

user() { # file number [name]
  echo "{\"table\":\"users\",\"row\":{\"id\":\"00000000-0000-4000-8000-$(printf %012d "$2")\",\"email\":\"u$2@x.co\",\"password_hash\":\"!\",\"first_name\":\"${3:-N$2}\"}}" |
    "$LEDGER" load "$1" --quiet 2>/dev/null
}
rename() { # file number name
  echo "{\"table\":\"users\",\"op\":\"update\",\"row\":{\"first_name\":\"$3\"},\"where\":{\"id\":\"00000000-0000-4000-8000-$(printf %012d "$2")\"}}" |
    "$LEDGER" load "$1" --quiet 2>/dev/null
}
refused() { # title sqlstate pattern: what the last command said
  is "$1: one line" "$(wc -l <<<"$PROBLEM")" 1
  like "$1: says so" "$PROBLEM" "$3.*\\[$2\\]"
}

# ---- keys
status "main's key" 0 "$LEDGER" bundle key "$work/main.key"
like "its public half is printed" "$SEEN" '^[0-9a-f]{128}$'
public=$SEEN
is "only its owner can read it" "$(stat -c %a "$work/main.key")" 600
like "it is a seed" "$(cat "$work/main.key")" '^[0-9a-f]{64}$'
status "shown again" 0 "$LEDGER" bundle key "$work/main.key" --show
is "the same" "$SEEN" "$public"
status "not made twice" 2 "$LEDGER" bundle key "$work/main.key"
refused "not made twice" 58P02 'File exists'
cp "$work/main.key" "$work/open.key"
chmod 640 "$work/open.key"
status "a key that others can read" 2 "$LEDGER" bundle key "$work/open.key" --show
refused "a key that others can read" 42501 'chmod 600'
status "no key" 2 "$LEDGER" bundle key "$work/none.key" --show
refused "no key" 58P01 'No such file'
echo hello >"$work/wrong.key" && chmod 600 "$work/wrong.key"
status "another file as key" 2 "$LEDGER" bundle key "$work/wrong.key" --show
refused "another file as key" 22023 '64 hexadecimal digits'
"$LEDGER" bundle key "$work/other-main.key" >"$work/other-main.public"
echo "$public" >"$work/main.public"

# ---- a device
a=$work/a.db
"$LEDGER" init "$a" >/dev/null
"$LEDGER" head "$a" --new-key="$work/a.key" >"$work/a.head"
a_public=$(sed -n 's/^signed by //p' "$work/a.head")
user "$a" 1
status "sealing without main's key" 1 "$LEDGER" bundle seal "$a" -o "$work/a1" --sign="$work/a.key"
refused "sealing without main's key" LG020 'knows no key of its main database'
status "which cuts nothing" 0 "$LEDGER" status "$a"
like "nothing was cut" "$SEEN" '^batches +cut 0'
status "trust" 0 "$LEDGER" bundle trust "$a" "@$work/main.public"
status "trust again" 0 "$LEDGER" bundle trust "$a" "$public"
status "trust another" 1 "$LEDGER" bundle trust "$a" "@$work/other-main.public"
refused "trust another" 42501 'key'
status "trust another, knowingly" 0 "$LEDGER" bundle trust "$a" "@$work/other-main.public" --replace
status "and back" 0 "$LEDGER" bundle trust "$a" "$public" --replace
status "no key at all" 2 "$LEDGER" bundle trust "$a" 1234
refused "no key at all" 22023 '128 hexadecimal digits'

status "seal" 0 "$LEDGER" bundle seal "$a" -o "$work/a1" --sign="$work/a.key"
is "says what" "$SEEN" "$work/a1: batch 1"
user "$a" 2
status "seal later" 0 "$LEDGER" bundle seal "$a" -o "$work/a12" --sign="$work/a.key"
is "all that main has not" "$SEEN" "$work/a12: batches 1 to 2"
status "from a number on" 0 "$LEDGER" bundle seal "$a" -o "$work/a2" --sign="$work/a.key" --since=2
is "that and what follows" "$SEEN" "$work/a2: batch 2"
status "beyond what there is" 0 "$LEDGER" bundle seal "$a" -o "$work/a3" --sign="$work/a.key" --since=3
like "nothing" "$SEEN" '^nothing to seal'
is "and no file" "$(ls "$work" | grep -c '^a3')" 0
status "main's key does not sign" 2 "$LEDGER" bundle seal "$a" -o "$work/a3" --sign="$work/main.key"
refused "main's key does not sign" 22023 '128 hexadecimal digits'
status "a place that is none" 2 "$LEDGER" bundle seal "$a" -o "$work/none/a3" --sign="$work/a.key"
status "seal without -o" 2 "$LEDGER" bundle seal "$a" --sign="$work/a.key"

# ---- show, open
status "show" 0 "$LEDGER" bundle show "$work/a12"
like "its device" "$SEEN" "^device +$(device_id "$a"), epoch 1"
like "its batches" "$SEEN" '^holds +batches 1 to 2, '
like "its signer" "$SEEN" "^signed by +$a_public"
status "show --json" 0 "$LEDGER" bundle show "$work/a12" --json
like "as JSON" "$(tr -d '\n\t ' <<<"$SEEN")" '"first":1,"last":2,"batches":2,'
status "open" 0 "$LEDGER" bundle open "$work/a12" --key="$work/main.key"
like "whose it is was not asked" "$PROBLEM" 'who signed it was not checked'
status "open, from the device" 0 "$LEDGER" bundle open "$work/a12" --key="$work/main.key" --from="$a_public"
is "nothing to say" "$PROBLEM" ''
is "it is what export prints" "$SEEN" "$("$LEDGER" export "$a" --since=1)"
status "open as INSERT" 0 "$LEDGER" bundle open "$work/a12" --key="$work/main.key" --from="$a_public" --format insert -o "$work/a12.sql"
is "likewise" "$(cat "$work/a12.sql")" "$("$LEDGER" export "$a" --since=1 --format=insert)"
is "out of a pipe" "$("$LEDGER" bundle open - --key="$work/main.key" --from="$a_public" < <(cat "$work/a12"))" "$("$LEDGER" export "$a" --since=1)"
is "out of another" "$("$LEDGER" bundle open <(cat "$work/a12") --key="$work/main.key" --from="$a_public")" "$("$LEDGER" export "$a" --since=1)"

# silent TITLE SQLSTATE PATTERN BUNDLE OPTION...: refused, and nothing printed
silent() {
  local title=$1 sqlstate=$2 pattern=$3
  shift 3
  status "$title" 1 "$LEDGER" bundle open "$@"
  is "$title: not a byte" "$SEEN" ''
  refused "$title" "$sqlstate" "$pattern"
}
silent "another main's key" LS009 'sealed to another key' "$work/a12" --key="$work/other-main.key"
silent "another device" LS009 'signed with another key' "$work/a12" --key="$work/main.key" --from="$(cut -c 1-64 "$work/main.public")"
head -c -1 "$work/a12" >"$work/bad"
silent "a byte too few" LS007 'signature' "$work/bad" --key="$work/main.key"
head -c 100 "$work/a12" >"$work/bad"
silent "the beginning alone" LS007 'altered or cut' "$work/bad" --key="$work/main.key"
{ cat "$work/a12"; echo; } >"$work/bad"
silent "a byte too many" LS007 'signature' "$work/bad" --key="$work/main.key"
: >"$work/bad"
silent "an empty file" LS007 'altered or cut' "$work/bad" --key="$work/main.key"
silent "another file" 22P04 'not a bundle' "$a" --key="$work/main.key"
silent "out of a pipe" LS007 'signature' - --key="$work/main.key" < <(head -c -1 "$work/a12")
status "a folder" 2 "$LEDGER" bundle open "$work" --key="$work/main.key"
is "a folder: not a byte" "$SEEN" ''
status "no file" 2 "$LEDGER" bundle open "$work/none" --key="$work/main.key"
"$LEDGER" bundle open "$work/bad" --key="$work/main.key" -o "$work/out.sql" 2>/dev/null
is "nor a file" "$(ls "$work" | grep -c '^out.sql')" 0
size=$(stat -c %s "$work/a12") wrong=0
for place in $(seq 0 37 $((size - 1))) $((size - 1)); do # test_bundle.c has every byte
  { head -c "$place" "$work/a12"; printf '\xaa'; tail -c +$((place + 2)) "$work/a12"; } >"$work/bad"
  cmp -s "$work/bad" "$work/a12" && continue
  [ -z "$("$LEDGER" bundle open "$work/bad" --key="$work/main.key" 2>/dev/null)" ] || wrong=$((wrong + 1))
done
is "no altered bundle prints anything" "$wrong" 0

# ---- receive
receive() { "$LEDGER" receive "dbname=$MAIN" "$@" --key="$work/main.key"; }
mkdir "$work/acks"
main receive
status "main does not know ledger_sync" 1 receive "$work/a12"
like "says so" "$PROBLEM" 'ledger_sync.*\[(3F000|42P01)\]'
"$LEDGER" export "$a" --init | psql -X -q -d "$MAIN" >/dev/null
untouched() { is "$1: main is as it was" "$(ask 'SELECT count(*) FROM users')|$(ask 'SELECT count(*) FROM ledger_sync.batch')" "$2"; }
seeded=$(ask 'SELECT count(*) FROM users')
status "not enrolled" 1 receive "$work/a12"
refused "not enrolled" LS001 'does not know the device'
untouched "not enrolled" "$seeded|0"
"$LEDGER" export "$a" --init --enrol | psql -X -q -A -t -d "$MAIN" >/dev/null
is "the file's own key is enrolled" "$(ask "SELECT encode(public_key, 'hex') FROM ledger_sync.device")" "$a_public"
ask 'UPDATE ledger_sync.device SET public_key = NULL' >/dev/null
status "enrolled without a key" 1 receive "$work/a12"
refused "enrolled without a key" LS009 'no key of the device'
"$LEDGER" export "$a" --init --enrol --public-key="$a_public" | psql -X -q -A -t -d "$MAIN" >/dev/null

"$LEDGER" head "$work/none.db" >/dev/null 2>&1
"$LEDGER" init "$work/x.db" >/dev/null
"$LEDGER" head "$work/x.db" --new-key="$work/x.key" >/dev/null
"$LEDGER" bundle seal "$a" -o "$work/forged" --sign="$work/x.key" >/dev/null
status "signed by somebody" 1 receive "$work/forged"
refused "signed by somebody" LS009 'signed with another key'
untouched "signed by somebody" "$seeded|0"
status "a gap" 1 receive "$work/a2" -o "$work/gap.ack"
refused "a gap" LS006 'batches 1 to 1 are missing'
untouched "a gap" "$seeded|0"
like "it shows in the fleet" "$(ask "SELECT error FROM ledger_sync.fleet")" 'batches 1 to 1 are missing'
status "which the device is told" 0 "$LEDGER" ack "$a" <"$work/gap.ack"
like "main has nothing" "$SEEN" 'received batch 0 of 2'

status "a bundle" 0 receive "$work/a1" --ack-dir="$work/acks"
is "says so" "$SEEN" "$work/a1: device $(device_id "$a"), batch 1: applied"
ack=$work/acks/$(device_id "$a").ack
is "its answer: two lines" "$(wc -l <"$ack")" 2
like "the first" "$(head -n 1 "$ack")" '^\{"ledger_ack":1,.*"received":1,'
like "the second" "$(tail -n 1 "$ack")" '^signature [0-9a-f]{128}$'
is "its row is on main" "$(ask "SELECT first_name FROM users WHERE email = 'u1@x.co'")" N1

# ---- the way back
head -n 1 "$ack" >"$work/bad"
status "an answer without a signature" 1 "$LEDGER" ack "$a" <"$work/bad"
like "is refused" "$PROBLEM" '\[LS0(07|09)\]'
sed '1s/"received":1/"received":2/' "$ack" >"$work/bad"
status "an altered answer" 1 "$LEDGER" ack "$a" <"$work/bad"
like "is refused" "$PROBLEM" '\[LS0(07|09)\]'
{ head -n 1 "$ack"; "$LEDGER" receive "dbname=$MAIN" "$work/a1" --key="$work/other-main.key" 2>/dev/null | tail -n 1; } >"$work/bad"
status "an answer of another main" 1 "$LEDGER" ack "$a" <"$work/bad"
like "is refused" "$PROBLEM" '\[LS0(07|09)\]'
status "nothing was let go of" 0 "$LEDGER" status "$a"
like "nothing was" "$SEEN" 'received 0'
status "the answer" 0 "$LEDGER" ack "$a" <"$ack"
like "says so" "$SEEN" 'received batch 1 of 2'
status "again" 0 "$LEDGER" ack "$a" <"$ack"

# ---- what main has already
moved() { ask "SELECT sum(n_tup_ins) + sum(n_tup_upd) FROM pg_stat_user_tables WHERE schemaname = 'public'"; }
before=$(ask "SELECT string_agg(b::text, ',') FROM ledger_sync.batch b")
for bundle in a1 a1; do
  status "the same again" 0 receive "$work/$bundle" --ack-dir="$work/acks"
  is "is acknowledged again" "$SEEN" "$work/$bundle: device $(device_id "$a"), batch 1: applied"
done
is "and applied once" "$(ask "SELECT string_agg(b::text, ',') FROM ledger_sync.batch b")" "$before"
status "half of it new" 0 receive "$work/a12" -o "$work/ack"
is "takes the other half" "$SEEN" "$work/a12: device $(device_id "$a"), batches 1 to 2: applied"
is "both rows" "$(ask "SELECT count(*) FROM users WHERE email IN ('u1@x.co', 'u2@x.co')")" 2
is "and prints nothing else" "$PROBLEM" ''
status "an old one after a new one" 0 receive "$work/a1"
like "the answer is printed where it has no file" "$(sed -n 2p <<<"$SEEN")" '^\{"ledger_ack":1,.*"received":2,'
status "into ledger ack" 0 "$LEDGER" ack "$a" <<<"$SEEN"
like "the device has it" "$SEEN" 'received batch 2 of 2 and applied 2'
status "nothing is left to carry" 0 "$LEDGER" bundle seal "$a" -o "$work/a3" --sign="$work/a.key"
like "says so" "$SEEN" '^nothing to seal'
is "the digests agree" "$(same_digest "$a")" ''

# ---- several at once, in any order, one of them bad
b=$work/b.db
"$LEDGER" init "$b" >/dev/null
"$LEDGER" head "$b" --new-key="$work/b.key" >"$work/b.head"
"$LEDGER" export "$b" --init --enrol --public-key="$(sed -n 's/^signed by //p' "$work/b.head")" | psql -X -q -A -t -d "$MAIN" >/dev/null
"$LEDGER" bundle trust "$b" "$public" >/dev/null
for n in 1 2 3; do
  user "$b" $((10 + n)) && "$LEDGER" bundle seal "$b" -o "$work/b$n" --sign="$work/b.key" --since="$n" >/dev/null
done
user "$a" 4 && "$LEDGER" bundle seal "$a" -o "$work/a3" --sign="$work/a.key" >/dev/null
status "two devices into one file" 2 receive "$work/a3" "$work/b1" -o "$work/ack"
like "says what to give" "$PROBLEM" 'ack-dir'
status "some bundles" 1 receive "$work/b3" "$work/forged" "$work/none" "$work/b1" "$work/bad" "$work/a3" "$work/b2" --ack-dir="$work/acks"
is "the good ones are taken, in order" "$(sed 's/: device [^,]*,/:/' <<<"$SEEN" | sort)" "$work/a3: batch 3: applied
$work/b1: batch 1: applied
$work/b2: batch 2: applied
$work/b3: batch 3: applied"
is "the others are named, a line each" "$(wc -l <<<"$PROBLEM")" 3
for n in forged none bad; do like "$n is named" "$PROBLEM" "$work/$n: "; done
for file in "$a" "$b"; do
  status "the answer of each" 0 "$LEDGER" ack "$file" <"$work/acks/$(device_id "$file").ack"
  like "says all" "$SEEN" 'received batch 3 of 3 and applied 3'
done

# ---- custody
ask "ALTER TABLE users ADD CONSTRAINT no_ghosts CHECK (first_name <> 'Ghost')" >/dev/null
rename "$a" 1 Ghost && "$LEDGER" bundle seal "$a" -o "$work/a4" --sign="$work/a.key" >/dev/null
status "what main cannot apply" 0 receive "$work/a4" -o "$work/ack"
like "is in custody, with the reason" "$SEEN" "^$work/a4: device .*, batch 4: in custody: .*users.*no_ghosts.*\\[23514\\]"
status "the device hears of it" 1 "$LEDGER" ack "$a" <"$work/ack"
like "from its ack" "$PROBLEM" 'batch 4 is in custody.*no_ghosts'
user "$b" 14 && "$LEDGER" bundle seal "$b" -o "$work/b4" --sign="$work/b.key" >/dev/null
status "other devices go on" 0 receive "$work/b4" -o "$work/ack"
like "applied" "$SEEN" 'batch 4: applied'
ask "ALTER TABLE users DROP CONSTRAINT no_ghosts" >/dev/null
like "and a retry" "$(ask "SELECT * FROM ledger_sync.retry()")" '\|4\|applied$'
status "after the repair" 0 receive "$work/a4" -o "$work/ack"
like "it is applied" "$SEEN" 'batch 4: applied'
status "which the device hears of" 0 "$LEDGER" ack "$a" <"$work/ack"

# ---- by hand all the way, where main's operator has psql alone: nobody signs the answer then
user "$a" 5 && "$LEDGER" bundle seal "$a" -o "$work/a5" --sign="$work/a.key" >/dev/null
"$LEDGER" bundle open "$work/a5" --key="$work/main.key" --from="$a_public" | psql -q -A -t -X "$MAIN" >"$work/ack"
status "the answer of psql is not trusted" 1 "$LEDGER" ack "$a" <"$work/ack"
refused "the answer of psql is not trusted" 'LS0(07|09)' 'sign'
status "unless somebody says so" 0 "$LEDGER" ack "$a" --trusted <"$work/ack"
like "and main has it" "$SEEN" 'received batch 5 of 5 and applied 5'

# ---- twice at once, and killed anywhere
user "$a" 6 && "$LEDGER" bundle seal "$a" -o "$work/a6" --sign="$work/a.key" >/dev/null
statuses=()
for n in 1 2 3 4; do receive "$work/a6" -o "$work/ack$n" >"$work/said$n" 2>&1 & statuses+=($!); done
for n in 1 2 3 4; do
  wait "${statuses[n - 1]}"
  is "all of four at once have it" "$?|$(sed 's/.*: //' "$work/said$n")" '0|applied'
done
is "once" "$(ask "SELECT count(*) FROM ledger_sync.batch WHERE device = '$(device_id "$a")' AND seq = 6")" 1
"$LEDGER" ack "$a" <"$work/ack1" >/dev/null
for n in $(seq 7 16); do
  for k in 1 2 3 4 5; do user "$a" $((100 * n + k)); "$LEDGER" bundle seal "$a" -o "$work/killed" --sign="$work/a.key" >/dev/null; done
  receive "$work/killed" -o "$work/ack" >/dev/null 2>&1 &
  pause_ms 60
  kill -9 $! 2>/dev/null
  wait $! 2>/dev/null
done
status "after ten kills" 0 receive "$work/killed" -o "$work/ack"
status "the device hears" 0 "$LEDGER" ack "$a" <"$work/ack"
like "that main has all" "$SEEN" 'received batch 56 of 56 and applied 56'
is "each row once" "$(ask "SELECT count(*) FROM users WHERE email ~ '^u[0-9]{3,4}@x.co'")" 50

# ---- a fork: two files that are one device
cp "$b" "$work/twin.db"
"$LEDGER" ack "$b" <"$work/ack" >/dev/null 2>&1
user "$b" 21 && "$LEDGER" bundle seal "$b" -o "$work/b5" --sign="$work/b.key" >/dev/null
user "$work/twin.db" 22 && "$LEDGER" bundle seal "$work/twin.db" -o "$work/twin5" --sign="$work/b.key" --since=5 >/dev/null
status "the first" 0 receive "$work/b5" -o "$work/ack"
status "its twin" 1 receive "$work/twin5" -o "$work/twin.ack"
refused "its twin" LS004 'restored from a backup, or copied.*'
user "$work/twin.db" 23 && "$LEDGER" bundle seal "$work/twin.db" -o "$work/twin6" --sign="$work/b.key" --since=6 >/dev/null
status "and what it cut later" 1 receive "$work/twin6" -o "$work/twin.ack"
refused "and what it cut later" LS004 'restored from a backup, or copied.*'
"$LEDGER" bundle seal "$work/twin.db" -o "$work/twin56" --sign="$work/b.key" --since=5 >/dev/null
status "both in one" 1 receive "$work/twin56" -o "$work/twin.ack"
refused "both in one" LS004 'restored from a backup, or copied.*'
user "$b" 24 && "$LEDGER" bundle seal "$b" -o "$work/b6" --sign="$work/b.key" >/dev/null
status "the true one goes on" 0 receive "$work/b6" -o "$work/ack"
status "one that main has behind it" 1 receive "$work/twin5" -o "$work/twin.ack"
refused "one that main has behind it" LS004 'restored from a backup, or copied.*'
is "nothing of it is on main" "$(ask "SELECT count(*) FROM users WHERE email IN ('u22@x.co', 'u23@x.co')")" 0
status "the twin hears of it" 1 "$LEDGER" ack "$work/twin.db" <"$work/twin.ack"
like "and of what to do" "$PROBLEM" '\[LS004\]'

# ---- revoked
ask "SELECT ledger_sync.revoke('$(device_id "$b")', 'stolen')" >/dev/null
user "$b" 25 && "$LEDGER" bundle seal "$b" -o "$work/b7" --sign="$work/b.key" --since=6 >/dev/null
status "a revoked device" 1 receive "$work/b7" -o "$work/revoked.ack"
refused "a revoked device" LS002 'revoked: stolen'
is "it has no answer" "$(ls "$work" | grep -c '^revoked.ack')" 0
is "nothing of it is on main" "$(ask "SELECT count(*) FROM users WHERE email = 'u25@x.co'")" 0

# ---- main is not there; misuse
status "no main" 2 "$LEDGER" receive "host=127.0.0.1 port=1 dbname=x connect_timeout=2" "$work/a4" --key="$work/main.key"
refused "no main" 08006 'refused'
status "no key is given" 2 "$LEDGER" receive "dbname=$MAIN" "$work/a4"
status "no bundle is given" 2 "$LEDGER" receive "dbname=$MAIN" --key="$work/main.key"
status "two places for the answer" 2 receive "$work/a4" -o "$work/ack" --ack-dir="$work/acks"
status "no folder for it" 2 receive "$work/a4" --ack-dir="$work/none"
status "no place for it" 1 receive "$work/a4" -o "$work/none/ack"
like "main has it all the same" "$SEEN" 'batch 4: applied'
status "none can be read" 1 receive "$work/none"

tap_end
