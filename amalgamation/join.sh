#!/usr/bin/env bash
# Joins the library into three files that stand alone: BUILD/amalgamation/{ledger.c,ledger.h,shell.c}.
#   amalgamation/join.sh BUILD
# #include lines of our own files are replaced by the files, each once; system headers stay. The built-in schemas come last.
set -euo pipefail
build=$1
out="$build/amalgamation"
mkdir -p "$out"

join() { # file... : the text with our own includes resolved
  awk -v root="$PWD" -v generated="$build/generated" '
    function folder(path) { sub(/\/[^\/]*$/, "", path); return path }
    function tidy(path,   before) {
      do { before = path; sub(/[^\/]+\/\.\.\//, "", path) } while (path != before)
      gsub(/\/\.\//, "/", path)
      return path
    }
    function place(from, name,   path) {
      path = tidy(folder(from) "/" name)
      if ((getline line < path) >= 0) { close(path); return path }
      path = tidy(root "/" name)
      if ((getline line < path) >= 0) { close(path); return path }
      path = generated "/" name
      if ((getline line < path) >= 0) { close(path); return path }
      return ""
    }
    function add(path,   line, name, found) {
      if (path in seen) return
      seen[path] = 1
      while ((getline line < path) > 0) {
        if (line ~ /^[ \t]*#[ \t]*include[ \t]*"/) {
          name = line
          sub(/^[^"]*"/, "", name)
          sub(/".*$/, "", name)
          if (name ~ /(^|\/)ledger\.h$/) { if (!header++) print "#include \"ledger.h\""; continue }
          found = place(path, name)
          if (found != "") { add(found); continue }
        }
        print line
      }
      close(path)
    }
    BEGIN { for (i = 1; i < ARGC; i++) add(tidy(root "/" ARGV[i])); exit }
  ' "$@"
}

head_lines() { # needs
  printf '/* Joined by amalgamation/join.sh from the rooms of ledger %s; do not edit.\n** %s */\n' \
    "$(sed -n 's/^#define LEDGER_VERSION "\(.*\)"/\1/p' ledger.h)" "$1"
  printf '#ifndef _GNU_SOURCE\n#define _GNU_SOURCE\n#endif\n'
}

cp ledger.h "$out/ledger.h"
{
  head_lines 'Needs ledger.h beside it, SQLite 3.40 or later, libsodium, PCRE2, zlib and libcrypt: cc -c ledger.c'
  printf '#define LEDGER_SYSTEM_SQLITE /* ledger info: the SQLite is not our choice */\n'
  join ledger.c
  printf '\n/* ---- the built-in schemas */\n'
  sed '/#include "ledger.h"/d' "$build/generated/schemas.c"
} >"$out/ledger.c"
{
  head_lines 'The command line, on ledger.h, cJSON and libpq (loaded where it is needed): cc shell.c ledger.o -lsqlite3 -lsodium -lpcre2-8 -lz -lcrypt -lcjson -lpthread -ldl -lm'
  printf '#define LEDGER_SHELL_ALONE /* no schema compiler: built-in schemas only */\n'
  join amalgamation/shell/shell.c
} >"$out/shell.c"
wc -c "$out"/ledger.c "$out"/ledger.h "$out"/shell.c >&2
