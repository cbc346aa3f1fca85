# The strict checks, sourced by build.sh: what must hold before a commit.

check_step() { # title command...
  local title=$1 log="$OUT/check.log"
  shift
  if "$@" >"$log" 2>&1; then
    printf 'ok      %s\n' "$title"
  else
    printf 'FAILED  %s\n' "$title"
    tail -n 40 "$log" | sed 's/^/    /'
    CHECK_FAILED=$((CHECK_FAILED + 1))
  fi
}

# Each room alone, seeing only the layers above its own: a call to a lower room does not compile.
check_layers() {
  local folder level source
  for level in 1:ground 2:types 3:store 4:book 5:access 6:sync; do
    folder=${level#*:}
    for source in amalgamation/"$folder"/*.c; do
      [ -f "$source" ] || continue
      "$CC" "${STRICT[@]}" "${INCLUDE[@]}" -DLEDGER_LAYER="${level%%:*}" -fsyntax-only "$source" || return 1
    done
  done
  check_web_layer
}

# The server sees the library by ledger.h alone.
check_web_layer() {
  local seen
  seen=$("$CC" -MM -I. web/web.c | tr -s ' \\' '\n' | grep -vE '^(web\.o:|web/(\.\./ledger\.h|[a-z_]+\.[ch]))?$')
  [ -z "$seen" ] || { printf 'web/ includes: %s\n' "$seen"; return 1; }
}

check_header() {
  printf '#include "ledger.h"\nint main(void) { return ledger_sqlstate(0)[0] != 48; }\n' >"$OUT/header.c"
  cp "$OUT/header.c" "$OUT/header.cpp"
  gcc -std=c99 -Wall -Wextra -Wpedantic -Werror -I. -fsyntax-only "$OUT/header.c" &&
    gcc -std=c11 -Wall -Wextra -Wpedantic -Werror -I. -fsyntax-only "$OUT/header.c" &&
    g++ -std=c++11 -Wall -Wextra -Wpedantic -Werror -I. -fsyntax-only "$OUT/header.cpp"
}

check_clang() {
  clang "${STRICT[@]}" "${INCLUDE[@]}" "${MAIN_INCLUDE[@]}" -DLEDGER_WEB -fsyntax-only ledger.c web/web.c amalgamation/shell/shell.c schema/compiler/*.c
}

# A build with LEDGER_SQLITE=system calls nothing that the distribution's SQLite has not.
check_system_sqlite() {
  [ -f /usr/include/sqlite3.h ] || { echo "libsqlite3-dev is not there"; return 1; }
  "$CC" "${STRICT[@]}" -I"$OUT/generated" -DLEDGER_SYSTEM_SQLITE -fsyntax-only ledger.c
}

check_format() {
  clang-format --dry-run -Werror ledger.c amalgamation/*.c amalgamation/*/*.c schema/compiler/*.c web/*.c
}

# Functions that the style forbids. strtod() may stand where PostgreSQL itself reads a double: real and double precision, and
# fractions of a second; never where money passes.
check_banned() {
  local found
  found=$(grep -nE '\b(strtod|atof|atoi|strcpy|strcat|sprintf|vsprintf|gets)\(' -r ledger.c amalgamation schema/compiler web --include='*.[ch]' |
    grep -vE ':[[:space:]]*(/\*|\*\*)|/\* .*\*/$' |
    grep -vE '^amalgamation/types/(real|interval_input|moment_token)\.c:[0-9]+:.*strtod')
  [ -z "$found" ] || { printf '%s\n' "$found"; return 1; }
}

# The drop-in: compiled by one line each, it makes a file and reads it again.
check_amalgamation() {
  amalgamation/join.sh "$OUT" &&
    (cd "$OUT/amalgamation" && "$CC" -O1 -D_GNU_SOURCE ${DROP_IN_SQLITE_INCLUDE} "${MAIN_INCLUDE[@]}" -c ledger.c shell.c) &&
    "$CC" -o "$OUT/amalgamation/ledger" "$OUT/amalgamation/ledger.o" "$OUT/amalgamation/shell.o" "${SQLITE_LINK[@]}" -lcjson "${LIBRARIES[@]}" &&
    rm -f "$OUT/amalgamation/try.db"* &&
    "$OUT/amalgamation/ledger" init "$OUT/amalgamation/try.db" --schema=wallstreet &&
    "$OUT/amalgamation/ledger" get "$OUT/amalgamation/try.db" users 'select=email' | grep -q admin@wallstreet.com
}

# The server under a mixed load, built with ThreadSanitizer. What is inside civetweb and OpenSSL, which are not, is not looked at.
check_threads() {
  local threads="$OUT/threads"
  mkdir -p "$threads"
  [ -d "$threads/sqlite" ] || cp -r "$OUT/sqlite" "$threads/sqlite" 2>/dev/null || true
  (
    OUT=$threads CFLAGS="-O1 -g -fsanitize=thread"
    export TSAN_OPTIONS=ignore_noninstrumented_modules=1:exitcode=66:second_deadlock_stack=1
    do_build && LEDGER="$PWD/$OUT/ledger" tests/web/threads.sh
  )
}

# All tests again, built with the sanitizers; but README's, whose commands link and load the library without them.
check_sanitized() {
  local sanitized="$OUT/sanitized"
  mkdir -p "$sanitized"
  [ -d "$sanitized/sqlite" ] || cp -r "$OUT/sqlite" "$sanitized/sqlite" 2>/dev/null || true
  (
    OUT=$sanitized CFLAGS="-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"
    # libpg_query itself loses a byte for each PL/pgSQL body that does not parse.
    echo leak:pg_query_raw_parse >"$OUT/leaks"
    export LSAN_OPTIONS=suppressions=$PWD/$OUT/leaks:print_suppressions=0
    export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1
    export SANITIZED=$CFLAGS
    do_build && run_tests ground types compiler schema store book access sync shell web clients extension amalgamation differential fuzz faults
  )
}

run_check() {
  CHECK_FAILED=0
  sqlite_flags
  DROP_IN_SQLITE_INCLUDE=$([ "${LEDGER_SQLITE:-}" = system ] || echo "-I$PWD/$OUT/sqlite")
  export DROP_IN_SQLITE_INCLUDE
  install_packages g++ libsqlite3-dev
  check_step "layers: each room alone, seeing only those above it" check_layers
  check_step "clang, strict warnings" check_clang
  check_step "ledger.c with the distribution's SQLite" check_system_sqlite
  check_step "ledger.h as C99, C11 and C++" check_header
  check_step "formatting" check_format
  check_step "banned functions" check_banned
  check_step "the drop-in, compiled and tried" check_amalgamation
  check_step "the server under a load, with ThreadSanitizer" check_threads
  printf 'the tests under AddressSanitizer and UndefinedBehaviorSanitizer:\n'
  check_sanitized || CHECK_FAILED=$((CHECK_FAILED + 1))
  [ "$CHECK_FAILED" -eq 0 ] || { printf '%d checks failed\n' "$CHECK_FAILED"; return 1; }
  printf 'all checks hold\n'
}
