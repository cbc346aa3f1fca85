#!/usr/bin/env bash
# Memory does not grow with what is carried: a batch of many rows is cut, exported, pushed, sealed and opened within 16 MB, and an
# increment of 100 rows takes from a large file what it takes from a small one.
#   LEDGER_TEST_ROWS  rows of the large file (40000; 10000000 is what the design asks)
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. tests/lib/sync.sh
: "${LEDGER:=$PWD/build/ledger}"
ROWS=${LEDGER_TEST_ROWS:-40000}
work=$TAP_WORK bound=16384
trap 'main_drop_all; rm -rf "$work"' EXIT
[ -z "${SANITIZED:-}" ] || bound=2000000 # their shadow memory counts
"${CC:-gcc}" -O1 -std=c11 -D_GNU_SOURCE -o "$work/held" tests/lib/held.c || { tap_no "tests/lib/held.c"; exit 1; }

cat >"$work/schema.sql" <<'SQL'
CREATE TABLE items (id uuid PRIMARY KEY, person uuid NOT NULL, amount numeric(12,2) NOT NULL, note text, details jsonb,
  created_at timestamptz NOT NULL);
SQL
fill() { # file first last
  other "$1" "PRAGMA synchronous = OFF; INSERT INTO items SELECT printf('%08x-0000-7000-8000-%012x', value * 2654435761 % 4294967296, value),
    printf('00000001-0000-4000-8000-%012x', value % 1000), printf('%d.%02d', value % 9999, value % 100),
    'Paid at the counter, number ' || value, printf('{\"n\": %d}', value), '2026-01-01 00:00:00+00:00' FROM generate_series($2, $3)"
}
# within TITLE COMMAND...: the command ends well and has had no more memory than the bound; kilobytes in $HELD
within() {
  local title=$1 status=0
  shift
  "$work/held" "$work/kilobytes" "$@" >"$work/out" 2>"$work/out.problem" || status=$?
  HELD=$(cat "$work/kilobytes")
  if [ $status -eq 0 ] && [ "$HELD" -le $bound ]; then tap_ok "$title: $HELD kB"; else tap_no "$title" "exit status $status, $HELD kB of $bound: $(head -c 300 "$work/out.problem")"; fi
}

main large "$work/schema.sql"
device "$work/large.db" "$work/schema.sql"
fill "$work/large.db" 1 "$ROWS"
within "a batch of $ROWS rows is cut and exported" "$LEDGER" export "$work/large.db"
cp "$work/out" "$work/script.sql"
within "it is exported again, as INSERT" "$LEDGER" export "$work/large.db" --format insert
trusted=$("$LEDGER" bundle key "$work/main.key")
own=$("$LEDGER" head "$work/large.db" --new-key "$work/device.key" | sed -n 's/^signed by //p')
"$LEDGER" bundle trust "$work/large.db" "$trusted" >/dev/null
within "it is sealed" "$LEDGER" bundle seal "$work/large.db" -o "$work/bundle" --sign "$work/device.key"
within "and opened" "$LEDGER" bundle open "$work/bundle" --key "$work/main.key" --from "$own"
is "what is opened is what was exported, but for the question behind it" "$(diff "$work/out" "$work/script.sql" | grep -c '^[<>]' | awk '{ print ($1 < 3) }')" 1
within "it is pushed" "$LEDGER" push "$work/large.db" "dbname=$MAIN"
is "main has all rows" "$(ask 'SELECT count(*) FROM items')" "$ROWS"
is "the digests are equal" "$(same_digest "$work/large.db")" ""
within "the digest is taken" "$LEDGER" digest "$work/large.db"
within "the whole file is exported" "$LEDGER" export "$work/large.db" --full

device "$work/small.db" "$work/schema.sql"
fill "$work/small.db" 900000001 900001000
by_pipe "$work/small.db"
fill "$work/large.db" 1000000001 1000000100
fill "$work/small.db" 1100000001 1100000100
within "100 rows more, of the small file" "$LEDGER" export "$work/small.db"
small=$HELD
within "100 rows more, of the large file" "$LEDGER" export "$work/large.db"
if [ "$HELD" -le $((small * 5 / 4)) ]; then tap_ok "and it takes no more memory for that"; else tap_no "and it takes no more memory for that" "$HELD kB, $small kB of the small file"; fi
tap_end
