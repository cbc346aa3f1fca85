#!/usr/bin/env bash
# The drop-in: joined, compiled by one line a file, it makes the same files as the program. Then the libraries, as an
# application links them, from C and from C++.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
: "${OUT:=build}" "${LEDGER:=$PWD/$OUT/ledger}" "${CC:=gcc}" "${CXX:=g++}"
work=$TAP_WORK
trap 'rm -rf "$work"' EXIT
export LC_ALL=C.UTF-8
sqlite=$PWD/$OUT/sqlite
if [ "${LEDGER_SQLITE:-}" = system ]; then
  include=() with_sqlite=(-lsqlite3)
else
  include=("-I$sqlite") with_sqlite=("$PWD/$OUT/object/sqlite3.o")
fi
needs=(-lsodium -lpcre2-8 -lz -lcrypt -lpthread -ldl -lm)
warnings=(-Wall -Wextra -Werror)
# shellcheck disable=SC2086
compile_here() { (cd "$work/in" && "$@" ${SANITIZED:--O0}); }

# ---- joined
status "join" 0 amalgamation/join.sh "$OUT"
mkdir "$work/in" "$work/out"
cp "$OUT"/amalgamation/ledger.[ch] "$OUT/amalgamation/shell.c" "$work/in"
is "no file of the tree is included" "$(grep -nE '^ *# *include *"' "$work"/in/*.c | grep -v '"ledger\.h"')" ""
is "no path of this tree is inside" "$(grep -nF "$PWD" "$work"/in/*)" ""
for compiler in "$CC" clang; do
  command -v "$compiler" >/dev/null || { tap_ok "$compiler # SKIP it is not installed"; continue; }
  status "$compiler compiles ledger.c without a warning" 0 compile_here "$compiler" "${warnings[@]}" "${include[@]}" -c ledger.c -o ../out/ledger.o
  status "$compiler compiles shell.c without a warning" 0 compile_here "$compiler" "${warnings[@]}" -I/usr/include/postgresql -c shell.c -o ../out/shell.o
done
status "one cc line for both" 0 compile_here "$CC" "${include[@]}" -I/usr/include/postgresql ledger.c shell.c "${with_sqlite[@]}" "${needs[@]}" -lcjson -o ../out/ledger
dropin=$work/out/ledger
is "the library needs no cJSON" "$(nm -u "$work/out/ledger.o" | grep -c cJSON)" 0

# ---- it does what the program does
rows() {
  cat <<'ROWS'
{"table":"users","row":{"id":"00000000-0000-4000-8000-000000000001","email":"a@b.co","password_hash":"!","first_name":"Ada","last_name":"L","created_at":"2026-01-01 10:00:00","updated_at":"2026-01-01 10:00:00"}}
{"table":"api_keys","row":{"id":"00000000-0000-4000-8000-000000000002","user_id":"00000000-0000-4000-8000-000000000001","key_hash":"h","name":"k","permissions":{"b":1,"a":[1.50]},"created_at":"2026-01-01 10:00:00","updated_at":"2026-01-01 10:00:00"}}
ROWS
}
for program in "$dropin" "$LEDGER"; do
  name=$([ "$program" = "$dropin" ] && echo dropin || echo program)
  status "$name: init" 0 "$program" init "$work/$name.db" --schema=wallstreet
  status "$name: load" 0 "$program" load "$work/$name.db" --plain < <(rows) # an audit row has the time of day
done
is "get" "$("$dropin" get "$work/dropin.db" api_keys 'select=name,permissions')" '[{"name":"k","permissions":{"a": [1.50], "b": 1}}]'
is "the digests are the program's" "$("$dropin" digest "$work/dropin.db")" "$("$LEDGER" digest "$work/program.db")"
is "each reads the other's file" "$("$dropin" digest "$work/program.db")" "$("$LEDGER" digest "$work/dropin.db")"
is "the export is the program's" "$("$dropin" export "$work/program.db" --full | sha256sum)" "$("$LEDGER" export "$work/program.db" --full | sha256sum)"
for schema in full elon advancia smarthub pe_portal; do
  status "init $schema" 0 "$dropin" init "$work/$schema.db" --schema=$schema
done
echo 'CREATE TABLE t (a int);' >"$work/own.sql"
status "a schema file is refused" 2 "$dropin" init "$work/own.db" --schema="$work/own.sql"
like "and why is said" "$PROBLEM" '^ledger init: .*own\.sql: this program was built without the compiler .*\[0A000\] \(init takes full, '
is "and no file is left" "$(ls "$work"/own.db* 2>/dev/null)" ""
status "ledger schema of a file is refused" 2 "$dropin" schema "$work/own.sql" --check
status "ledger schema of a name is refused, too" 2 "$dropin" schema wallstreet --postgres

# ---- the libraries
cp tests/amalgamation/program.c ledger.h "$work/in"
cp tests/amalgamation/program.c "$work/in/program.cpp"
wanted='{"email":"ada@example.com","first_name":"Ada"}'
static=("$PWD/$OUT/libledger.a" "${needs[@]}")
[ "${LEDGER_SQLITE:-}" != system ] || static+=(-lsqlite3)
shared=("-L$PWD/$OUT" "-Wl,-rpath,$PWD/$OUT" -lledger)
try_program() { # title compiler... : compiles, then runs on a file of its own
  local title=$1
  shift
  status "$title: compile" 0 compile_here "$@" -o "../out/program"
  rm -f "$work"/program.db*
  status "$title: run" 0 "$work/out/program" "$work/program.db"
  is "$title: the row" "$SEEN" "$wanted"
}
try_program "C with libledger.a" "$CC" -std=c99 "${warnings[@]}" program.c "${static[@]}"
try_program "C with libledger.so" "$CC" -std=c11 "${warnings[@]}" program.c "${shared[@]}"
try_program "C with the drop-in" "$CC" "${warnings[@]}" program.c ../out/ledger.o "${with_sqlite[@]}" "${needs[@]}"
if command -v "$CXX" >/dev/null; then
  try_program "C++ with libledger.a" "$CXX" -std=c++11 "${warnings[@]}" program.cpp "${static[@]}"
  try_program "C++ with libledger.so" "$CXX" -std=c++17 "${warnings[@]}" program.cpp "${shared[@]}"
else
  tap_ok "C++ # SKIP $CXX is not installed"
fi
declared=$(sed -nE 's/^LEDGER_API [^(]*[ *](ledger_[a-z_0-9]+)\(.*/\1/p' ledger.h | sort)
is "libledger.so exports what ledger.h declares, and nothing else" \
  "$(nm -D --defined-only "$OUT/libledger.so" | awk '$2 ~ /[TDBRVW]/ { print $3 }' | grep -v '^__' | sort)" "$declared"
tap_end
