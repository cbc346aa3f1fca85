#!/usr/bin/env bash
# Clocks that are ten years behind and ahead: facts are never delayed, no row is out of reach of right clocks for longer than five
# minutes, a clock that is behind moves on once main has answered, and no clock goes back.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. tests/lib/sync.sh
: "${LEDGER:=$PWD/build/ledger}"
work=$TAP_WORK years=$((3652 * 86400))
trap 'main_drop_all; rm -rf "$work"' EXIT
sync_clock "$work" || { tap_no "the library of a wrong clock"; exit 1; }

one=00000000-0000-4000-8000-000000000001 two=00000000-0000-4000-8000-000000000002
set_name() { # shift device user name
  printf '{"table":"users","op":"upsert","row":{"id":"%s","email":"%s@x.co","password_hash":"!","first_name":"%s"}}\n' "$3" "$3" "$4" |
    shifted "$1" "$LEDGER" load "$work/$2.db" --quiet 2>/dev/null
}
deposit() { # shift device reference
  printf '{"op":"deposit","to":"N%s","amount":10,"reference":"%s"}\n' "$2" "$3" | shifted "$1" "$LEDGER" batch "$work/$2.db" >/dev/null 2>&1
}
send() { # shift device
  shifted "$1" "$LEDGER" export "$work/$2.db" | psql -q -A -t -X "$MAIN" 2>"$work/problem" | shifted "$1" "$LEDGER" ack "$work/$2.db" >/dev/null ||
    tap_no "$2 is sent" "$(cat "$work/problem")"
}
name_of() { ask "SELECT first_name FROM users WHERE id = '$1'"; }
ahead() { ask "SELECT count(*) FROM ledger_sync.row_version WHERE (hlc >> 16) / 1000.0 > extract(epoch FROM clock_timestamp()) + 300"; }
on_main() { ask "SELECT count(*) FROM transactions WHERE reference_number LIKE '$1%'"; }

main clocks
for name in right behind before; do device "$work/$name.db"; done
shift_of() { case $1 in right) echo 0 ;; behind) echo -$years ;; before) echo $years ;; esac; }
for name in right behind before; do
  printf '{"op":"open","currency":"USD","number":"N%s","reference":"open-%s"}\n' $name $name | shifted "$(shift_of $name)" "$LEDGER" batch "$work/$name.db" >/dev/null 2>&1
done

set_name 0 right $one first && set_name 0 right $two first && deposit 0 right d-right && send 0 right
is "a right clock" "$(name_of $one) $(on_main d-right)" "first 1"

set_name $years before $one ahead && deposit $years before d-before && send $years before
is "ten years ahead: the fact is there" "$(on_main d-before)" 1
is "ten years ahead: it is the newest, and no version is more than five minutes ahead" "$(name_of $one) $(ahead)" "ahead 0"

set_name 360 right $one "six minutes later" && send 360 right
is "six minutes later a right clock wins" "$(name_of $one) $(ahead)" "six minutes later 0"

set_name -$years behind $two "ten years ago" && deposit -$years behind d-behind && send -$years behind
is "ten years behind: the fact is there" "$(on_main d-behind)" 1
is "ten years behind: the older version loses" "$(name_of $two)" first
is "and is kept, with the one that won" "$(ask "SELECT kind, incoming ->> 'first_name', current ->> 'first_name' FROM ledger_sync.conflict WHERE key = '$two'")" "current wins|ten years ago|first"
set_name -$years behind $two "behind, told the time" && send -$years behind
is "once main has told it the time its changes win" "$(name_of $two)" "behind, told the time"

clock_of() { sqlite3 "$work/right.db" 'SELECT max((SELECT hlc FROM ledger_sync_state), (SELECT coalesce(max(hlc), 0) FROM ledger_change))'; }
before=$(clock_of)
set_name -3600 right $two "an hour back" # the clock was set back: its own last change stays the newest
is "a clock that is set back does not go back in the file" "$(($(clock_of) > before))" 1
is "nor in the changes" "$(sqlite3 "$work/right.db" "SELECT count(*) FROM ledger_change AS a JOIN ledger_change AS b ON b.n > a.n AND b.hlc < a.hlc")" 0
shifted -7200 other "$work/right.db" "UPDATE users SET username = 'by sqlite3' WHERE id = '$two'"
is "nor for another program" "$(sqlite3 "$work/right.db" "SELECT count(*) FROM ledger_change AS a JOIN ledger_change AS b ON b.n > a.n AND b.hlc <= a.hlc")" 0
send 0 right
set_name 0 behind $two "five minutes on" && send $((360 + years)) behind # its clock jumps, too
for shift in -$years -86400 -60 60 86400 $years; do
  deposit "$shift" before "jump$shift" && set_name "$shift" before $one "jump $shift" && send "$shift" before
done
is "clocks that jump: all facts are there, no version is ahead" "$(on_main jump) $(ahead)" "6 0"
is "the file's clock stays" "$(sqlite3 "$work/before.db" "SELECT count(*) FROM ledger_change AS a JOIN ledger_change AS b ON b.n > a.n AND b.hlc < a.hlc")" 0
tap_end
