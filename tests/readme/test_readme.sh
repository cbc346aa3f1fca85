#!/usr/bin/env bash
# README's examples are run as they stand: the shell lines of "In use" and of "From SQLite's own tools", the C of "From C".
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
root=$PWD
: "${OUT:=build}"
trap 'rm -rf "$TAP_WORK"; dropdb --if-exists main >/dev/null 2>&1' EXIT

section() { awk -v title="## $1" '$0 == title { on = 1; next } /^## / { on = 0 } on' "$root/README.md"; } # its lines
code() { section "$1" | sed -n 's/^    //p'; }

mkdir -p "$TAP_WORK/clone/build"
cp "$OUT/ledger" "$OUT/libledger.a" "$OUT/ledger_ext.so" "$TAP_WORK/clone/build/"
cp ledger.h "$TAP_WORK/clone/"
cd "$TAP_WORK/clone" || exit 1
cat >shop.sql <<'SQL'
CREATE TABLE item (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, price numeric(10,2) CHECK (price > 0));
SQL
dropdb --if-exists main 2>/dev/null
createdb main || tap_no "createdb"
export PATH=/usr/bin:$PATH:$PWD/build # Debian's own python3 first: others may be built without extensions

count=0
while IFS= read -r line; do
  [ -n "$line" ] || continue
  count=$((count + 1))
  status "In use: $line" 0 bash -c "set -o pipefail; $line"
done < <(code "In use")
like "there were lines to run" "$count" '^([89]|[1-9][0-9])$'
is "digests are equal, as the README says" "$(ledger digest app.db)" "$(psql -XAt main -c 'select * from ledger_sync.digest()')"

{ printf '#include <stdio.h>\n'; code "From C" | grep '#include'; printf 'int main(void) {\n'; code "From C" | grep -v '#include'; printf 'return 0;\n}\n'; } >example.c
link=$(grep -o 'build/libledger.a. with `[^`]*' "$root/README.md" | sed 's/.*`//')
system=$([ -f "$root/$OUT/object/sqlite3.o" ] || echo -lsqlite3)
# shellcheck disable=SC2086
status "From C: compiles" 0 gcc -Wall -Wextra -I. -o example example.c build/libledger.a $link $system
printf '%s\n' "$PROBLEM" | head -n 5 | sed 's/^/#   /'
before=$(ledger get app.db contacts 'select=id' | grep -c id)
status "From C: runs" 0 ./example
is "From C: a row more" "$(ledger get app.db contacts 'select=id' | grep -c id)" "$((before + 1))"

sql="INSERT INTO contacts (email, message) VALUES ('g@example.com', 'from the shell')"
shell=$(code "From SQLite's own tools" | grep '^sqlite3')
status "the sqlite3 shell writes" 0 bash -c "$shell \"$sql\""
python=$(code "From SQLite's own tools" | grep '^python3' | sed "s/'.\/build\/ledger_ext')\"/'.\/build\/ledger_ext'); db.execute(\\\\\"INSERT INTO contacts (email, message) VALUES ('p@example.com', 'from python')\\\\\"); db.commit()\"/")
if python3 -c 'import sqlite3; sqlite3.connect(":memory:").enable_load_extension(True)' 2>/dev/null; then
  status "Python writes" 0 bash -c "$python"
  is "both rows are there" "$(ledger get app.db contacts 'select=email&email=in.(g@example.com,p@example.com)&order=email' | tr -d '\n')" '[{"email":"g@example.com"}, {"email":"p@example.com"}]'
else
  tap_ok "Python writes # SKIP this python3 cannot load SQLite extensions"
fi
tap_end
