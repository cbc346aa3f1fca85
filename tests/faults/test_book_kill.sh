#!/usr/bin/env bash
# kill -9 in a loop, with two processes writing to one book: after each, every operation that was acknowledged is there once, no
# linked pair is there in part, the book is proved; and all that was asked for is asked for again, and then it is done, once.
#   LEDGER_TEST_COUNT   rounds (25)
#   LEDGER_TEST_LINES   operations of each process and round (1500)
#   LEDGER_TEST_SEED    of the amounts and of the moments
set -uo pipefail
. tests/lib/tap.sh
: "${LEDGER:=$PWD/build/ledger}"
ROUNDS=${LEDGER_TEST_COUNT:-25}
RANDOM=${LEDGER_TEST_SEED:-20261}
LINES_OF_ROUND=${LEDGER_TEST_LINES:-1500}
cd "$TAP_WORK" || exit 1
trap 'cd / && rm -rf "$TAP_WORK"' EXIT

# One in five lines is half of a linked pair; holds are captured in part, transfers reversed, by the lines behind them.
operations() { # round writer seed
  awk -v round="$1" -v writer="$2" -v seed="$3" -v lines="$LINES_OF_ROUND" '
    function account() { return "W" 1 + int(rand() * 8) }
    function line(op, n, rest) { printf "{\"op\":\"%s\",\"reference\":\"%s-%s-%d\",%s}\n", op, round, writer, n, rest }
    function sides(  a, b) { a = account(); do b = account(); while (a == b); return "\"from\":\"" a "\",\"to\":\"" b "\"" }
    function of(n) { return "\"of\":\"" round "-" writer "-" n "\"" }
    BEGIN {
      srand(seed)
      for (n = 1; n <= lines; n++) {
        amount = sprintf("\"amount\":%d.%02d", rand() * 20, 1 + rand() * 98)
        kind = n % 10
        if (kind == 1) line("hold", n, sides() ",\"amount\":9")
        else if (kind == 2) line("capture", n, of(n - 1) ",\"amount\":4" (rand() < 0.5 ? ",\"final\":true" : ""))
        else if (kind == 4) line("reverse", n, of(n - 1))
        else if (kind == 6) line("transfer", n, sides() "," amount ",\"linked\":true")
        else if (kind == 9) line("deposit", n, "\"to\":\"" account() "\"," amount)
        else line("transfer", n, sides() "," amount)
      }
    }'
}
answered() { sed -n 's/.*"ok":true.*"reference":"\([^"]*\)".*/\1/p' "$1" | sort; }
there() { sqlite3 book.db "SELECT reference FROM ledger_journal WHERE reference LIKE '$1-%'" | sort; }
gone() { # waits until a killed process has ended: it may still be inside a write
  while grep -qs '^State:[[:space:]]*[^ZX]' "/proc/$1/status"; do sleep 0.01; done
}
pause() { sleep "$(awk -v most="$1" -v chance="$RANDOM" 'BEGIN { printf "%.4f", chance / 32768 * most / 1000 }')"; }

"$LEDGER" init book.db --schema full >/dev/null || exit 1
for n in 1 2 3 4 5 6 7 8; do
  printf '{"op":"open","currency":"USD","number":"W%d","reference":"open-%d"}\n{"op":"deposit","to":"W%d","amount":1000000,"reference":"fill-%d"}\n' $n $n $n $n
done | "$LEDGER" batch book.db >/dev/null 2>first.problem || { cat first.problem; exit 1; }

lost=0 doubled=0 half=0 unproved=0 again=0 acknowledged=0 cut=0
for round in $(seq "$ROUNDS"); do
  writers=()
  for writer in a b; do
    operations "$round" $writer "$RANDOM" >"$writer.lines"
    : >"$writer.answers"
    "$LEDGER" batch book.db --continue --commit=$((1 + RANDOM % 40)) <"$writer.lines" >"$writer.answers" 2>"$writer.problem" &
    writers+=($!)
  done
  pause 250
  kill -9 "${writers[$((round % 2))]}" 2>/dev/null
  [ $((round % 3)) -eq 0 ] || { pause 40; kill -9 "${writers[$(((round + 1) % 2))]}" 2>/dev/null; } # else the other writes on
  for process in "${writers[@]}"; do gone "$process"; wait "$process" 2>/dev/null; done

  there "$round" >there
  cat a.answers b.answers >answers
  answered answers >done
  acknowledged=$((acknowledged + $(wc -l <done)))
  [ -z "$(comm -23 done there)" ] || lost=$((lost + 1))
  [ -z "$(uniq -d there)" ] || doubled=$((doubled + 1))
  [ "$(wc -l <there)" -eq $((2 * LINES_OF_ROUND)) ] || cut=$((cut + 1))
  pairs=$(sqlite3 book.db "SELECT count(*) FROM (SELECT (CAST(substr(reference, length('$round-a-') + 1) AS INTEGER) - 6) / 10 AS pair,
    substr(reference, length('$round-') + 1, 1) AS writer, count(*) AS halves FROM ledger_journal WHERE reference LIKE '$round-%'
    AND CAST(substr(reference, length('$round-a-') + 1) AS INTEGER) % 10 IN (6, 7) GROUP BY 1, 2 HAVING halves <> 2)")
  [ "$pairs" = 0 ] || half=$((half + 1))
  "$LEDGER" verify book.db >verified 2>&1 || { unproved=$((unproved + 1)); head -c 600 verified; }

  # Asked for again, all are done; those that were there before are not done once more.
  for writer in a b; do
    "$LEDGER" batch book.db --continue <"$writer.lines" 2>/dev/null
  done >retried
  [ "$(grep -c '"ok":true' retried)" -eq $((2 * LINES_OF_ROUND)) ] && [ "$(there "$round" | uniq | wc -l)" -eq $((2 * LINES_OF_ROUND)) ] &&
    [ "$(grep -c '"replayed":true' retried)" -eq "$(wc -l <there)" ] || again=$((again + 1))
done 2>noise # the shell tells of each process that was killed

is "kill -9: no operation that was acknowledged is lost" "$lost" 0
is "kill -9: none is there twice" "$doubled" 0
is "kill -9: no linked pair is there in part" "$half" 0
is "kill -9: the book is proved after each" "$unproved" 0
is "kill -9: all that is asked for again is done, once" "$again" 0
"$LEDGER" verify book.db --full >/dev/null 2>&1
is "kill -9: and in the end, with all checks" "$?" 0
sum=$(sqlite3 book.db "SELECT sum(CASE WHEN layer = 0 THEN amount END) || ' ' || sum(CASE WHEN layer > 0 THEN amount END) FROM ledger_entry")
is "kill -9: all accounts together have nothing" "$sum" "0 0"
if [ "$acknowledged" -gt 0 ] && [ "$cut" -gt 0 ]; then tap_ok "kill -9: $acknowledged were acknowledged, $cut of $ROUNDS rounds were cut short"; else tap_no "kill -9 came too late or too early: $acknowledged were acknowledged, $cut rounds were cut short"; fi
tap_end
