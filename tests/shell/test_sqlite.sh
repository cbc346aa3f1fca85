#!/usr/bin/env bash
# Which SQLite the program has, and what an old one (LEDGER_SQLITE=system on Debian 12) refuses: clearly, not half-way.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
: "${OUT:=build}" "${LEDGER:=$PWD/$OUT/ledger}"
work=$TAP_WORK
trap 'rm -rf "$work"' EXIT
origin=$([ "${LEDGER_SQLITE:-}" = system ] && echo system || echo 'built in')
status "init" 0 "$LEDGER" init "$work/file.db"
like "info names it" "$("$LEDGER" info "$work/file.db")" "^sqlite +3\.[0-9]+\.[0-9]+ \($origin\),"
cat >"$work/sorted.sql" <<'SQL'
CREATE TABLE t (a int, b text);
CREATE VIEW v AS SELECT a, string_agg(b, ',' ORDER BY b DESC) AS s FROM t GROUP BY a;
SQL
version=$("$LEDGER" info "$work/file.db" | sed -nE 's/^sqlite +3\.([0-9]+)\..*/\1/p')
if [ "$version" -lt 44 ]; then
  status "ORDER BY in an aggregate is refused" 1 "$LEDGER" init "$work/sorted.db" --schema="$work/sorted.sql"
  like "with its place and what it needs" "$PROBLEM" '^[^ ]*sorted\.sql:2:28: error: ORDER BY in an aggregate needs SQLite 3\.44, this program has 3\.[0-9.]+ \[0A000\]'
  is "and no file is made" "$(ls "$work"/sorted.db* 2>/dev/null)" ""
else
  status "ORDER BY in an aggregate" 0 "$LEDGER" init "$work/sorted.db" --schema="$work/sorted.sql"
fi
tap_end
