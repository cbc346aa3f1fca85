#!/usr/bin/env bash
# No floating point where money passes: the book, the amounts it reads, and the commands that hand them on. A file or a line that
# needs one would stand in `allowed` with its reason; there is none.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
trap 'rm -rf "$TAP_WORK"' EXIT
allowed='^$'

# The lines of a file, without comments, that have a type, a constant, a function or a format of floating point.
found() { # file...
  local file
  for file in "$@"; do
    gcc -fpreprocessed -dD -E -P -x c "$file" | awk -v file="$file" '
      {
        line = $0; formats = 0
        while (match(line, /"([^"\\]|\\.)*"/)) {
          text = substr(line, RSTART, RLENGTH)
          gsub(/%%/, "", text)
          if (text ~ /%[-+ #0-9.*]*[lL]?[aefgAEFG]/) formats = 1
          line = substr(line, 1, RSTART - 1) " " substr(line, RSTART + RLENGTH)
        }
        gsub(/\x27([^\x27\\]|\\.)*\x27/, " ", line)
        if (formats || line ~ /(^|[^A-Za-z0-9_])(double|float|strto(d|f|ld)|atof|VALUE_REAL|SQLITE_FLOAT|valuedouble)([^A-Za-z0-9_]|$)/ ||
            line ~ /sqlite3_(column|value|bind|result)_double|cJSON_\w*Number/ ||
            line ~ /(^|[^A-Za-z0-9_])([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+[eE][0-9]+)/ ||
            line ~ /(^|[^A-Za-z0-9_])(round|floor|ceil|trunc|pow|fmod|ldexp|log10)[fl]?\(/)
          print file ": " $0
      }'
  done
}

planted() { # line of C: how many lines are found in it
  printf 'int planted(void);\nint planted(void) { %s }\n' "$1" >"$TAP_WORK/planted.c"
  found "$TAP_WORK/planted.c" | grep -c .
}
is "a double is seen" "$(planted 'double amount = 0; return amount > 0;')" 1
is "sqlite3_column_double is seen" "$(planted 'return (int)sqlite3_column_double(stmt, 0);')" 1
is "a constant with a point is seen" "$(planted 'return (int)(100 * 0.5);')" 1
is "a format is seen" "$(planted 'return printf("%.2f", amount);')" 1
is "strtod is seen" "$(planted 'return strtod(text, 0) > 0;')" 1
is "floor() is seen" "$(planted 'return floor(text);')" 1
is "comments, texts and remainders are not" \
  "$(planted '/* never a double, 12.50 */ puts("12.50 is no float, 5%% fee"); return a % ELEMENTS;')" 0

files=(amalgamation/book/*.[ch] amalgamation/ground/money.c)
for file in amalgamation/shell/*book*.c amalgamation/shell/*batch*.c amalgamation/shell/*proof*.c amalgamation/shell/lines.c; do
  [ -f "$file" ] && files+=("$file")
done
is "no floating point in the ${#files[@]} files where money passes" "$(found "${files[@]}" | grep -vE "$allowed")" ""
tap_end
