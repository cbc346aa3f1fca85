# The test run, sourced by build.sh. Each tests/*/test_*.c is a cmocka program that includes ledger.c whole; each tests/*/test_*.sh
# a script of TAP lines. All of them run beside one private PostgreSQL. The last line counts the tests.

TEST_FLAGS=(-std=c11 -D_GNU_SOURCE -Wall -Wextra -Wno-unused-function -Werror -I. -Itests/lib -I/usr/include/postgresql)

# Built without optimisation: each program holds the whole library, and the build takes longer than the run. The compiler's
# objects are linked into every test: those that do not use it do not pull it in.
test_compile() { # source program
  local source=$1 program=$2 object="$2.o" CFLAGS=${SANITIZED:-"-O0 -g"}
  compile "$object" "$source" "${TEST_FLAGS[@]}" "${INCLUDE[@]}"
  if ! [ -f "$program" ] || [ "$object" -nt "$program" ] || [ "$OUT/ledger" -nt "$program" ]; then
    # shellcheck disable=SC2086
    "$CC" $CFLAGS -o "$program" "$object" "$OUT/object/compiler.a" "$OUT/object/schemas.o" "${TEST_LINK[@]}" \
      "${COMPILER_LIBRARIES[@]}" "${LIBRARIES[@]}" -lcmocka -lpq
  fi
}

# As many at once as there are processors. A program that does not compile ends the run.
test_compile_all() { # source...
  local source name jobs=0
  rm -f "$OUT/object/compiler.a"
  # shellcheck disable=SC2046
  ar rcs "$OUT/object/compiler.a" $(compiler_objects)
  for source in "$@"; do
    [[ $source == *.c ]] || continue
    name=${source#tests/}
    mkdir -p "$OUT/test/$(dirname "$name")"
    if [ "$jobs" -ge "$(nproc)" ]; then wait -n || die "a test does not compile"; jobs=$((jobs - 1)); fi
    test_compile "$source" "$OUT/test/${name%.c}" &
    jobs=$((jobs + 1))
  done
  while [ "$jobs" -gt 0 ]; do wait -n || die "a test does not compile"; jobs=$((jobs - 1)); done
}

# Runs one test program or script and adds its counts.
test_run() { # name command...
  local name=$1 log="$OUT/test/$1.log" passed failed status=0
  shift
  "$@" >"$log" 2>&1 || status=$?
  passed=$(grep -cE '^(\[  +OK \]|ok )' "$log" || true)
  failed=$(grep -E '^(\[  FAILED  \] [^0-9]|not ok )' "$log" | sort -u | wc -l)
  if [ $status -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
  if [ "$((passed + failed))" -eq 0 ]; then failed=1; echo "no test ran" >>"$log"; fi
  PASSED=$((PASSED + passed)) FAILED=$((FAILED + failed))
  SKIPPED=$((SKIPPED + $(grep -E '^(\[  SKIPPED \] [^0-9]|ok .*# SKIP)' "$log" | sort -u | wc -l)))
  if [ "$failed" -gt 0 ]; then
    printf '%-28s %4d passed, %d failed\n' "$name" "$passed" "$failed"
    sed 's/^/    /' "$log" | tail -n 60
  else
    printf '%-28s %4d passed\n' "$name" "$passed"
    grep -E '^# |# SKIP' "$log" | sed 's/^/    /' || true
  fi
}

run_programs() { # runs beside the server; arguments: the sources
  local source name
  PASSED=0 FAILED=0 SKIPPED=0
  for source in "$@"; do
    name=$(basename "$(dirname "$source")")/$(basename "$source")
    mkdir -p "$OUT/test/$(dirname "$name")"
    case $source in
      *.c) test_run "$name" "$OUT/test/${name%.c}" ;;
      *.sh) test_run "$name" "$source" ;;
    esac
  done
  printf '%d passed, %d failed' "$PASSED" "$FAILED"
  [ "$SKIPPED" -eq 0 ] || printf ', %d skipped' "$SKIPPED"
  printf '\n'
  [ "$FAILED" -eq 0 ]
}

run_tests() { # room...
  local sources=() source room
  [ $# -gt 0 ] ||
    set -- ground types compiler schema store book access sync shell web clients readme extension amalgamation differential fuzz faults
  for room in "$@"; do
    for source in tests/"$room"/test_*.c tests/"$room"/test_*.sh; do [ -f "$source" ] && sources+=("$source"); done
  done
  TEST_LINK=("${SQLITE_LINK[@]}")
  test_compile_all "${sources[@]}"
  export OUT PATH
  export LEDGER="$PWD/$OUT/ledger"
  export -f run_programs test_run
  tests/lib/postgres.sh bash -c 'set -uo pipefail; run_programs "$@"' run "${sources[@]}"
}
