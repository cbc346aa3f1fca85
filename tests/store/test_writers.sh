#!/usr/bin/env bash
# Two processes write and a third reads, long enough for many checkpoints; at the end the file is sound and whole. With a
# SQLite that may not checkpoint by itself (LEDGER_SQLITE=system) this is the test of how ledger does it.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
: "${OUT:=build}" "${LEDGER:=$PWD/$OUT/ledger}"
work=$TAP_WORK
trap 'rm -rf "$work"' EXIT
file=$work/file.db
rows=600
write() { # name : rows of 160 kB, a commit each
  awk -v rows=$rows -v name="$1" 'BEGIN {
    text = "x"; while (length(text) < 160000) text = text text
    for (i = 1; i <= rows; i++) printf "{\"table\":\"contacts\",\"row\":{\"email\":\"%s%d\",\"message\":\"%s\"}}\n", name, i, substr(text, 1, 160000)
  }' | "$LEDGER" load "$file" --batch=1 --quiet 2>"$work/$1.problem"
}
status "init" 0 "$LEDGER" init "$file"
write a & first=$!
write b & second=$!
reads=0 wrong=0 largest=0
while kill -0 $first 2>/dev/null || kill -0 $second 2>/dev/null; do
  "$LEDGER" get "$file" contacts 'select=email&order=created_at.desc&limit=1' >"$work/read" 2>&1 || wrong=$((wrong + 1))
  reads=$((reads + 1))
  size=$(stat -c %s "$file-wal" 2>/dev/null || echo 0)
  [ "$size" -le "$largest" ] || largest=$size
done
wait $first; is "the first writer" "$? $(tail -n 1 "$work/a.problem")" "0 ledger load: $rows lines done, 0 refused"
wait $second; is "the second writer" "$? $(tail -n 1 "$work/b.problem")" "0 ledger load: $rows lines done, 0 refused"
is "every read answered" "$wrong of $reads failed" "0 of $reads failed"
like "the log was checkpointed: $((largest / 1000000)) MB at most of $((rows * 2 * 160 / 1000)) MB" "$largest" '^(1?[0-9]{1,8})$'
is "every row is there" "$("$LEDGER" get "$file" contacts 'select=email' | grep -c email)" $((rows * 2))
if [ -z "${SANITIZED:-}" ]; then
  is "the file is sound" "$(sqlite3 "$file" -cmd ".load $OUT/ledger_ext" 'PRAGMA integrity_check' 2>&1)" ok
fi
"$LEDGER" load "$file" </dev/null 2>/dev/null # the last to close may have been a reader, who may not tidy up
is "nothing is left beside it" "$(ls "$work" | grep -v -e problem -e read)" "file.db"
tap_end
