#!/usr/bin/env bash
# Builds, tests and shows ledger. One short function per verb; run `./build.sh help` for the list.
#
# What it makes stands under build/: ledger (the program), libledger.a and libledger.so, ledger_ext.so (the SQLite
# extension), amalgamation/ (the drop-in). Debian packages that are missing are installed first, and named.
#
# Settings, from the environment:
#   LEDGER_SQLITE=system   link the distribution's SQLite instead of the fixed release
#   OUT                    the folder of all that is made (build), relative to this one
#   CC, CFLAGS             the C compiler (gcc) and its optimisation flags (-O2 -g)
set -euo pipefail
cd "$(dirname "$0")"

SQLITE_PACKAGE=better-sqlite3@12.11.1 # carries SQLite's own amalgamation, 3.53.2
SQLITE_PACKAGE_SHA256=ebf0ed75a7a59dbcb3b24bbd014ef49d9f15bc328e4adcbf516f2a8fadfa2835
SQLITE_OPTIONS=(-DSQLITE_DQS=0 -DSQLITE_THREADSAFE=2 -DSQLITE_DEFAULT_MEMSTATUS=0 -DSQLITE_LIKE_DOESNT_MATCH_BLOBS
  -DSQLITE_OMIT_DEPRECATED -DSQLITE_OMIT_SHARED_CACHE -DSQLITE_USE_ALLOCA -DSQLITE_DEFAULT_FOREIGN_KEYS=1
  -DSQLITE_TEMP_STORE=2 -DSQLITE_TRUSTED_SCHEMA=0 -DSQLITE_ENABLE_PREUPDATE_HOOK -DSQLITE_OMIT_TCL_VARIABLE)

CC=${CC:-gcc}
CFLAGS=${CFLAGS:--O2 -g}
STRICT=(-std=c11 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Wshadow -Wvla -Wstrict-prototypes -Wno-overlength-strings -Werror)
OUT=${OUT:-build}
LIBRARIES=(-lsodium -lpcre2-8 -lz -lcrypt -lpthread -ldl -lm)
COMPILER_LIBRARIES=(-lpg_query -lprotobuf-c -lcjson) # cJSON is the command line's too
WEB_LIBRARIES=(-lcivetweb)
MAIN_INCLUDE=(-I/usr/include/postgresql) # the command line loads libpq where it reaches the main PostgreSQL

BUILD_PACKAGES=(gcc libc6-dev libcrypt-dev libsodium-dev libcjson-dev libpcre2-dev zlib1g-dev libpg-query-dev libprotobuf-c-dev libpq-dev libcivetweb-dev)
TEST_PACKAGES=(postgresql-15 postgresql-client-15 pgbouncer libcmocka-dev sqlite3 python3 curl)
CHECK_PACKAGES=(clang clang-format libclang-rt-14-dev)
BENCH_PACKAGES=(pgloader wrk npm ca-certificates)

say() { printf '%s\n' "$*" >&2; }
die() { say "build.sh: $*"; exit 2; }

# ---- what must be installed

install_packages() { # package...
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  command -v apt-get >/dev/null || die "these Debian packages are needed: ${missing[*]}"
  local as=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "as root, run: apt-get install ${missing[*]}"
    as=(sudo)
  fi
  say "installing Debian packages: ${missing[*]}"
  "${as[@]}" apt-get update -qq >/dev/null
  "${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
    >"$OUT/install.log" 2>&1 || { cat "$OUT/install.log" >&2; die "apt-get could not install: ${missing[*]}"; }
}

need_build() {
  mkdir -p "$OUT"
  local packages=("${BUILD_PACKAGES[@]}")
  if [ "${LEDGER_SQLITE:-}" = system ]; then packages+=(libsqlite3-dev)
  elif ! [ -f "$OUT/sqlite/sqlite3.c" ] && ! command -v npm >/dev/null; then packages+=(npm ca-certificates); fi
  install_packages "${packages[@]}"
}

# SQLite's amalgamation, out of an npm package whose content is pinned by its hash.
fetch_sqlite() {
  [ "${LEDGER_SQLITE:-}" = system ] && return
  [ -f "$OUT/sqlite/sqlite3.c" ] && return
  say "fetching SQLite ($SQLITE_PACKAGE)"
  local folder
  folder=$(mktemp -d "$OUT/sqlite.XXXXXX")
  (cd "$folder" && npm pack --silent "$SQLITE_PACKAGE" >name 2>log) || { cat "$folder/log" >&2; die "npm pack $SQLITE_PACKAGE failed"; }
  local file
  file="$folder/$(tail -n 1 "$folder/name")"
  echo "$SQLITE_PACKAGE_SHA256  $file" | sha256sum --check --quiet - || die "$SQLITE_PACKAGE is not the file it was: refused"
  tar -xzf "$file" -C "$folder" package/deps/sqlite3
  rm -rf "$OUT/sqlite" && mv "$folder/package/deps/sqlite3" "$OUT/sqlite"
  rm -rf "$folder"
}

# ---- compiling

# True when the object is missing, older than a file it was made from, or made by another command line.
stale() { # object command-line
  local object=$1 file
  [ -f "$object" ] && [ -f "$object.d" ] || return 0
  [ "$(cat "$object.cmd" 2>/dev/null)" = "$2" ] || return 0
  for file in $(sed -e 's/^[^:]*: *//' -e 's/\\$//' "$object.d"); do
    [ "$file" -nt "$object" ] && return 0
    [ -e "$file" ] || return 0
  done
  return 1
}

compile() { # object source flag...
  local object=$1 source=$2
  shift 2
  local line="$CC $CFLAGS $* $source"
  stale "$object" "$line" || return 0
  mkdir -p "$(dirname "$object")"
  # shellcheck disable=SC2086
  "$CC" $CFLAGS "$@" -MMD -MF "$object.d" -c "$source" -o "$object"
  printf '%s' "$line" >"$object.cmd"
}

# A program or shared library, with the compiler's own flags: the sanitizers are linked by them.
link_program() { # output object-or-flag...
  local output=$1
  shift
  # shellcheck disable=SC2086
  "$CC" $CFLAGS -o "$output" "$@"
}

sqlite_flags() {
  if [ "${LEDGER_SQLITE:-}" = system ]; then INCLUDE=(-I"$OUT/generated" -DLEDGER_SYSTEM_SQLITE); SQLITE_LINK=(-lsqlite3)
  else INCLUDE=(-I"$OUT/sqlite" -I"$OUT/generated"); SQLITE_LINK=("$OUT/object/sqlite3.o"); fi
}

# A file as a C string literal, line by line.
embed() { # file name
  printf 'static const char %s[] =\n' "$2"
  sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' -e 's/$/\\n"/' "$1"
  printf '    ;\n'
}

generate() { # the engine's own tables, without their comments: SQLite would keep those in each file
  mkdir -p "$OUT/generated"
  sed -E -e 's/ *--.*$//' -e '/^$/d' schema/ledger.sql >"$OUT/generated/ledger.sql"
  embed "$OUT/generated/ledger.sql" ledger_sql >"$OUT/generated/ledger_sql.h.new"
  sed -E -e '/^--/d' schema/sync/*.sql >"$OUT/generated/ledger_sync.sql"
  embed "$OUT/generated/ledger_sync.sql" ledger_sync_sql >"$OUT/generated/ledger_sync_sql.h.new"
  local name
  for name in ledger_sql ledger_sync_sql; do
    cmp -s "$OUT/generated/$name.h.new" "$OUT/generated/$name.h" || cp "$OUT/generated/$name.h.new" "$OUT/generated/$name.h"
  done
}

build_objects() {
  local source
  sqlite_flags
  [ "${LEDGER_SQLITE:-}" = system ] || compile "$OUT/object/sqlite3.o" "$OUT/sqlite/sqlite3.c" -fPIC -fvisibility=hidden "${SQLITE_OPTIONS[@]}"
  compile "$OUT/object/ledger.o" ledger.c "${STRICT[@]}" -fPIC -fvisibility=hidden \
    -DLEDGER_API='__attribute__((visibility("default")))' "${INCLUDE[@]}" &
  local library=$!
  for source in schema/compiler/*.c; do
    compile "$OUT/object/compiler/$(basename "$source" .c).o" "$source" "${STRICT[@]}" "${INCLUDE[@]}" -I.
  done
  wait $library
  compile "$OUT/object/web.o" web/web.c "${STRICT[@]}" -I.
  compile "$OUT/object/shell.o" amalgamation/shell/shell.c "${STRICT[@]}" -DLEDGER_WEB "${INCLUDE[@]}" "${MAIN_INCLUDE[@]}" -I.
}

compiler_objects() { find "$OUT/object/compiler" -name '*.o' ! -name main.o | sort; }
full_schema() { printf '%s,' schema/full/*.sql | sed 's/,$//'; }

# The built-in schemas, compiled to SQLite scripts by our own compiler.
build_schemas() {
  local program="$OUT/schema_compiler" list=("full=$(full_schema)") name file
  for name in elon wallstreet advancia smarthub pe_portal; do list+=("$name=schema/systems/$name.sql"); done
  # shellcheck disable=SC2046
  link_program "$program" "$OUT/object/compiler/main.o" $(compiler_objects) "$OUT/object/ledger.o" "${SQLITE_LINK[@]}" \
    "${COMPILER_LIBRARIES[@]}" "${LIBRARIES[@]}"
  local newest=0
  for file in schema/full/*.sql schema/systems/*.sql "$program"; do [ "$file" -nt "$OUT/generated/schemas.c" ] && newest=1; done
  if [ $newest = 1 ] || ! [ -f "$OUT/generated/schemas.c" ]; then "$program" -o "$OUT/generated/schemas.c" "${list[@]}"; fi
  compile "$OUT/object/schemas.o" "$OUT/generated/schemas.c" -std=c11 -fPIC -I.
}

link() {
  local own=("$OUT/object/ledger.o" "$OUT/object/schemas.o")
  [ "${LEDGER_SQLITE:-}" = system ] || own+=("$OUT/object/sqlite3.o")
  rm -f "$OUT/libledger.a"
  ar rcs "$OUT/libledger.a" "${own[@]}"
  # What SQLite it holds stays its own: a program may have another.
  link_program "$OUT/libledger.so" -shared -Wl,-soname,libledger.so -Wl,--no-undefined "$OUT/object/ledger.o" "$OUT/object/schemas.o" \
    "${SQLITE_LINK[@]}" "${LIBRARIES[@]}"
  # shellcheck disable=SC2046
  link_program "$OUT/ledger" "$OUT/object/shell.o" "$OUT/object/web.o" $(compiler_objects) "$OUT/object/ledger.o" "$OUT/object/schemas.o" \
    "${SQLITE_LINK[@]}" "${COMPILER_LIBRARIES[@]}" "${WEB_LIBRARIES[@]}" "${LIBRARIES[@]}"
  compile "$OUT/object/extension.o" amalgamation/extension.c "${STRICT[@]}" -fPIC -fvisibility=hidden "${INCLUDE[@]}"
  link_program "$OUT/ledger_ext.so" -shared "$OUT/object/extension.o" -lsodium -lpcre2-8 -lz -lpthread -lm
}

do_build() {
  need_build
  fetch_sqlite
  generate
  build_objects
  build_schemas
  link
}

# ---- verbs

do_demo() { do_build; tests/demo.sh "$OUT/ledger" "$OUT/demo"; }
do_test() { do_build; install_packages "${TEST_PACKAGES[@]}"; sqlite_flags; . tests/run.sh; run_tests "$@"; }
do_check() { do_build; install_packages "${TEST_PACKAGES[@]}" "${CHECK_PACKAGES[@]}"; sqlite_flags; . tests/run.sh; . tests/check.sh; run_check "$@"; }
do_bench() { do_build; install_packages "${TEST_PACKAGES[@]}" "${BENCH_PACKAGES[@]}"; sqlite_flags; tests/bench/run.sh "$@"; tests/bench/book.sh "$@"; tests/bench/capture.sh "$@"; tests/bench/sync.sh "$@"; tests/bench/http.sh; }
do_amalgamation() { do_build; amalgamation/join.sh "$OUT"; }
do_install() {
  do_build
  local prefix=${PREFIX:-/usr/local}
  install -D -m 755 "$OUT/ledger" "$prefix/bin/ledger"
  install -D -m 644 ledger.h "$prefix/include/ledger.h"
  install -D -m 644 "$OUT/libledger.a" "$prefix/lib/libledger.a"
  install -D -m 755 "$OUT/libledger.so" "$prefix/lib/libledger.so"
  install -D -m 755 "$OUT/ledger_ext.so" "$prefix/lib/ledger_ext.so"
  say "installed under $prefix"
}
do_clean() { rm -rf "$OUT"; }
do_help() {
  cat <<'HELP'
./build.sh               build the program, the libraries and the extension under build/
./build.sh demo          build, make a sample ledger file in build/demo/ and show what to do with it
./build.sh test [ROOM..] build and run the tests, against a private PostgreSQL 15 that they start and stop
./build.sh check         the strict build, layers, sanitizers, formatting, the drop-in, and all tests again under them
./build.sh bench         measure against the floors and the peers, printed as ratios
./build.sh amalgamation  join the library into build/amalgamation/{ledger.c,ledger.h,shell.c}
./build.sh install       install under PREFIX (/usr/local)
./build.sh clean         remove build/
HELP
}

verb=${1:-build}
[ $# -gt 0 ] && shift
case $verb in
  build | demo | test | check | bench | amalgamation | install | clean | help) "do_$verb" "$@" ;;
  -h | --help) do_help ;;
  *) say "build.sh: no such verb: $verb"; do_help >&2; exit 2 ;;
esac
