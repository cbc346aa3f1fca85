#!/usr/bin/env bash
# README's "A day in the book" is a transcript: its commands are run as they stand, and what they print is what README shows,
# but for ids, times, hashes and signatures. `tests/readme/test_story.sh --print` prints the transcript as it is now.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
root=$PWD
: "${OUT:=build}" "${LEDGER:=$PWD/$OUT/ledger}"
trap 'rm -rf "$TAP_WORK"; dropdb --if-exists main >/dev/null 2>&1' EXIT

shown() { awk '/^## / { on = $0 == "## A day in the book" } on' "$root/README.md" | sed -n 's/^    //p'; }
told() { # the commands on standard input, each behind "$ ", and what it prints
  local line
  while IFS= read -r line <&9; do
    printf '$ %s\n' "$line"
    eval "$line" </dev/null 2>&1
  done 9<&0
}
plain() { # what differs from day to day, by its kind
  sed -E -e 's/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/UUID/g' -e 's/\b[0-9a-f]{128}\b/SIGNATURE/g' -e 's/\b[0-9a-f]{64}\b/HASH/g' \
    -e 's/20[0-9]{2}-[0-9]{2}-[0-9]{2}[T ][0-9:.]+(Z|\+00(:00)?)/TIME/g' -e 's/ +/ /g'
}

dropdb --if-exists main 2>/dev/null
createdb main || tap_no "createdb"
mkdir "$TAP_WORK/bin" "$TAP_WORK/day"
ln -s "$LEDGER" "$TAP_WORK/bin/ledger"
PATH=$TAP_WORK/bin:$PATH
cd "$TAP_WORK/day" || exit 1
shown | sed -n 's/^\$ //p' >"$TAP_WORK/commands"
told <"$TAP_WORK/commands" >"$TAP_WORK/told"
if [ "${1:-}" = --print ]; then cat "$TAP_WORK/told"; exit; fi
plain <"$TAP_WORK/told" >"$TAP_WORK/told.plain"
shown | plain >"$TAP_WORK/shown.plain"
like "there are commands" "$(wc -l <"$TAP_WORK/commands")" '^[12][0-9]$'
is "the day goes as README tells it" "$(diff "$TAP_WORK/shown.plain" "$TAP_WORK/told.plain")" ""
unset LEDGER_FILE
status "the book is proven afterwards" 0 "$LEDGER" verify day.db --full
is "and main has what the file has" "$("$LEDGER" digest day.db)" "$(psql -XAt main -c 'select * from ledger_sync.digest()')"
tap_end
