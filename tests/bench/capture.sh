#!/usr/bin/env bash
# ./build.sh bench: what it costs that every written row leaves its key behind, for our own writes and for other programs'.
#   LEDGER_BENCH_ROWS  rows (100000 at most), LEDGER_BENCH_ROUNDS  rounds, interleaved (5)
set -euo pipefail
rows=${LEDGER_BENCH_ROWS:-100000}
rounds=${LEDGER_BENCH_ROUNDS:-5}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
: "${OUT:=$root/build}"
if [ "$rows" -gt 100000 ]; then rows=100000; fi

mkdir -p "$OUT/bench"
gcc -O2 -g -std=c11 -D_GNU_SOURCE -I"$OUT/sqlite" -I"$OUT/generated" -o "$OUT/bench/capture" "$here/capture.c" \
  "$OUT/object/schemas.o" "$OUT/object/sqlite3.o" -lsodium -lcjson -lpcre2-8 -lz -lcrypt -lpthread -ldl -lm
work=$(mktemp -d "${TMPDIR:-/tmp}/ledger-capture.XXXXXX")
trap 'rm -rf "$work"' EXIT
"$OUT/bench/capture" "$work" "$rows" "$rounds"
