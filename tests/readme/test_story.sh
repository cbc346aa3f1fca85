#!/usr/bin/env bash
# README's "A day in the book", "Syncing with the main PostgreSQL" and "Serving" are transcripts: their commands are run as they stand, and what
# they print is what README shows, but for ids, times, hashes, signatures and sizes. `tests/readme/test_story.sh --print` prints the
# transcripts as they are now.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
root=$PWD
: "${OUT:=build}" "${LEDGER:=$PWD/$OUT/ledger}"
trap 'rm -rf "$TAP_WORK"; dropdb --if-exists main >/dev/null 2>&1' EXIT

shown() { awk -v title="## $1" '/^## / { on = $0 == title } on' "$root/README.md" | sed -n 's/^    //p'; }
told() { # the commands on standard input, each behind "$ ", and what it prints
  local line
  while IFS= read -r line <&9; do
    printf '$ %s\n' "$line"
    eval "$line" </dev/null 2>&1
  done 9<&0
}
plain() { # what differs from day to day, by its kind
  sed -E -e 's/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/UUID/g' -e 's/\b[0-9a-f]{128}\b/SIGNATURE/g' -e 's/\b[0-9a-f]{32}\b/KEY/g' -e 's/\b[0-9a-f]{64}\b/HASH/g' \
    -e 's/20[0-9]{2}-[0-9]{2}-[0-9]{2}[T ][0-9:.]+(Z|\+00(:00)?)/TIME/g' -e 's/\b[0-9]+ bytes/SIZE/g' -e 's/\([0-9]+ s\)/(AGE)/' -e 's/ +/ /g'
}

mkdir "$TAP_WORK/bin"
ln -s "$LEDGER" "$TAP_WORK/bin/ledger"
PATH=$TAP_WORK/bin:$PATH
story() { # title folder
  dropdb --if-exists main 2>/dev/null
  createdb main || tap_no "createdb"
  unset LEDGER_FILE
  mkdir "$TAP_WORK/$2"
  cd "$TAP_WORK/$2" || exit 1
  shown "$1" | sed -n 's/^\$ //p' >"$TAP_WORK/commands"
  told <"$TAP_WORK/commands" >"$TAP_WORK/told"
  if [ "$print" = --print ]; then cat "$TAP_WORK/told"; return; fi
  plain <"$TAP_WORK/told" >"$TAP_WORK/told.plain"
  shown "$1" | plain >"$TAP_WORK/shown.plain"
  like "$1: there are commands" "$(wc -l <"$TAP_WORK/commands")" '^[12][0-9]$'
  is "$1: it goes as README tells it" "$(diff "$TAP_WORK/shown.plain" "$TAP_WORK/told.plain")" ""
}
same() { is "main has what $1 has" "$("$LEDGER" digest "$1")" "$(psql -XAt main -c 'select * from ledger_sync.digest()')"; }

print=${1:-}
story "A day in the book" day
[ "$print" = --print ] || {
  unset LEDGER_FILE
  status "the book is proven afterwards" 0 "$LEDGER" verify day.db --full
  same day.db
}
story "Syncing with the main PostgreSQL" sync
[ "$print" = --print ] || { unset LEDGER_FILE; same till.db; }
story "Serving" web
tap_end
