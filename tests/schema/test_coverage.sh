#!/bin/bash
# The schema files against a real PostgreSQL: each loads into an empty database, schema/coverage.tsv
# leaves no table or column of the five systems out, and full keeps its own rules.
#
# Takes the server from the PG* variables, as a superuser. Makes six databases and drops them.
set -eu -o pipefail

here=$(cd "$(dirname "$0")" && pwd)
schema=$here/../../schema
coverage=$schema/coverage.tsv
systems="elon wallstreet advancia smarthub pe_portal"
prefix=ledger_schema_$$
work=$(mktemp -d)
passed=0
failed=0

export PGOPTIONS='-c client_min_messages=warning'

sql() { psql -X -q -v ON_ERROR_STOP=1 -A -t -F $'\t' -d "$@"; }

clean() {
  for name in full $systems; do
    sql postgres -c "DROP DATABASE IF EXISTS ${prefix}_$name" || true
  done
  rm -rf "$work"
}
trap clean EXIT

# report NAME FILE: ok if the file of complaints is empty.
report() {
  if [ ! -s "$2" ]; then
    passed=$((passed + 1))
    echo "ok $((passed + failed)) - $1"
  else
    failed=$((failed + 1))
    echo "not ok $((passed + failed)) - $1"
    sed 's/^/#   /' "$2"
  fi
}

# check NAME QUERY: a query on full whose rows are complaints.
check() {
  sql "${prefix}_full" -c "$2" >"$work/complaints" 2>&1 || echo "the query failed" >>"$work/complaints"
  report "$1" "$work/complaints"
}

# load NAME FILE...: into a new, empty database.
load() {
  local name=$1 file
  shift
  : >"$work/complaints"
  sql postgres -c "CREATE DATABASE ${prefix}_$name TEMPLATE template0" >"$work/complaints" 2>&1
  for file in "$@"; do
    sql "${prefix}_$name" -f "$file" >/dev/null 2>>"$work/complaints" || break
  done
  report "$name loads into an empty database" "$work/complaints"
}

# places DATABASE: "table column" of each column, "table -" of each table and view.
places() {
  sql "${prefix}_$1" -c "
    SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL
    SELECT table_name, '-' FROM information_schema.tables WHERE table_schema = 'public'" |
    LC_ALL=C sort
}

# ---- the files load

for system in $systems; do load "$system" "$schema/systems/$system.sql"; done
load full "$schema"/full/*.sql

# ---- coverage.tsv

awk -F '\t' '
  NR == 1 { if ($0 != "system\ttable\tcolumn\tfull_table\tfull_column\trule") print "line 1: not the header" }
  NF != 6 { print "line " NR ": " NF " fields, not 6" }
  { for (i = 1; i <= NF; i++) if ($i == "" || $i ~ /^ | $/) print "line " NR ": field " i " is empty or padded" }
  seen[$1, $2, $3]++ { print "line " NR ": " $1 "." $2 "." $3 " for the second time" }
' "$coverage" >"$work/complaints"
report "coverage.tsv is well formed" "$work/complaints"

places full >"$work/full"
tail -n +2 "$coverage" | cut -f 4,5 | LC_ALL=C sort -u >"$work/targets"
LC_ALL=C comm -13 "$work/full" "$work/targets" >"$work/complaints"
report "each place in full exists" "$work/complaints"

for system in $systems; do
  places "$system" >"$work/there"
  awk -F '\t' -v name="$system" 'NR > 1 && $1 == name { print $2 "\t" $3 }' "$coverage" |
    LC_ALL=C sort >"$work/covered"
  LC_ALL=C comm -23 "$work/there" "$work/covered" >"$work/complaints"
  report "$system: all $(wc -l <"$work/there") tables and columns are covered" "$work/complaints"
  LC_ALL=C comm -13 "$work/there" "$work/covered" >"$work/complaints"
  report "$system: whatever is covered exists" "$work/complaints"
done

awk -F '\t' -v systems="$systems" '
  BEGIN { n = split(systems, names, " "); for (i = 1; i <= n; i++) known[names[i]] = 1 }
  NR > 1 && !($1 in known) { print "line " NR ": no system " $1 }' "$coverage" >"$work/complaints"
report "only the five systems are covered" "$work/complaints"

# ---- the prelude is the same wherever it stands

: >"$work/complaints"
sed -n '/^-- prelude: begin$/,/^-- prelude: end$/p' "$schema/full/00_prelude.sql" >"$work/prelude"
[ -s "$work/prelude" ] || echo "full/00_prelude.sql has none" >>"$work/complaints"
for file in $(grep -l '^-- prelude: begin$' "$schema"/systems/*.sql "$schema"/full/*.sql); do
  sed -n '/^-- prelude: begin$/,/^-- prelude: end$/p' "$file" |
    cmp -s - "$work/prelude" || echo "$file has another" >>"$work/complaints"
done
report "the prelude is the same in all files" "$work/complaints"

# ---- what full promises

relations="pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v')"

check "full: each table and view has a comment" "
  SELECT c.relname FROM $relations AND obj_description(c.oid, 'pg_class') IS NULL"

check "full: each column has a comment" "
  SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v')
    AND a.attnum > 0 AND NOT a.attisdropped AND col_description(c.oid, a.attnum) IS NULL"

check "full: each enum type has a comment" "
  SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'e'
    AND obj_description(oid, 'pg_type') IS NULL"

check "full: each table has row-level security and a policy" "
  SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
    AND NOT (c.relrowsecurity AND EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid))"

check "full: each view asks as its reader" "
  SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'v'
    AND NOT COALESCE('security_invoker=true' = ANY (c.reloptions), false)"

check "full: each policy names its roles" "
  SELECT polrelid::regclass, polname FROM pg_policy WHERE 0 = ANY (polroles)"

# An index that begins with the key's columns, in whatever order: of the whole table, or of the rows that refer to something.
check "full: each foreign key leads an index" "
  SELECT k.conrelid::regclass, k.conname FROM pg_constraint k
  WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace AND NOT EXISTS (
    SELECT 1 FROM pg_index i
    WHERE i.indrelid = k.conrelid AND i.indisvalid
      AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) = (
        SELECT '(' || string_agg(quote_ident(a.attname) || ' IS NOT NULL', ') AND (') || ')'
        FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)))
      AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey)"

# A unique index may be the beginning of another, for it says more; nothing may be there twice.
check "full: no index is the beginning of another" "
  WITH x AS (
    SELECT indexrelid, indrelid, indisunique, indnkeyatts,
      string_to_array(indkey::text, ' ') AS keys,
      COALESCE(pg_get_expr(indpred, indrelid), '') AS predicate,
      COALESCE(pg_get_expr(indexprs, indrelid), '') AS expressions
    FROM pg_index JOIN pg_class c ON c.oid = indrelid
    WHERE c.relnamespace = 'public'::regnamespace)
  SELECT a.indexrelid::regclass, b.indexrelid::regclass
  FROM x a JOIN x b ON a.indrelid = b.indrelid AND a.indexrelid <> b.indexrelid
    AND a.predicate = b.predicate AND a.expressions = b.expressions
    AND a.keys = b.keys[1:a.indnkeyatts]
  WHERE (NOT a.indisunique OR a.keys = b.keys)
    AND NOT (a.keys = b.keys AND a.indexrelid > b.indexrelid)"

check "full: names are plain and none is the engine's" "
  WITH n (kind, name) AS (
    SELECT 'relation', relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT 'column of ' || relname, attname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
      WHERE relnamespace = 'public'::regnamespace AND attnum > 0
    UNION ALL SELECT 'constraint', conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT 'type', typname FROM pg_type
      WHERE typnamespace = 'public'::regnamespace AND typtype = 'e'
    UNION ALL SELECT 'function', proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT 'trigger', tgname FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT 'policy', polname FROM pg_policy)
  SELECT kind, name FROM n WHERE name !~ '^[A-Za-z_][A-Za-z0-9_$]*\$' OR name ~* '^ledger_'"

# SQLite folds case, and tables, views and indexes share one set of names.
check "full: names differ in more than case" "
  SELECT lower(relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace
  GROUP BY 1 HAVING count(*) > 1
  UNION ALL
  SELECT c.relname || '.' || lower(attname) FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
  WHERE relnamespace = 'public'::regnamespace AND attnum > 0
  GROUP BY c.oid, c.relname, lower(attname) HAVING count(*) > 1"

check "full: names say what they name" "
  SELECT conrelid::regclass, conname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
  WHERE k.connamespace = 'public'::regnamespace AND contype IN ('p', 'u', 'f', 'c')
    AND NOT starts_with(conname, CASE contype WHEN 'p' THEN 'pk_' WHEN 'u' THEN 'uq_'
      WHEN 'f' THEN 'fk_' ELSE 'ck_' END || c.relname)
  UNION ALL
  SELECT i.indrelid::regclass, x.relname FROM pg_index i
  JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid
  WHERE c.relnamespace = 'public'::regnamespace
    AND NOT starts_with(x.relname, CASE WHEN i.indisprimary THEN 'pk_' WHEN i.indisunique THEN 'uq_'
      ELSE 'idx_' END || c.relname)"

check "full: each key is a uuid with a default" "
  SELECT table_name FROM information_schema.tables t
  WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND NOT EXISTS (
    SELECT 1 FROM information_schema.columns c
    WHERE c.table_schema = 'public' AND c.table_name = t.table_name AND c.column_name = 'id'
      AND c.data_type = 'uuid' AND c.column_default = 'gen_random_uuid()')"

check "full: each updated_at is kept by a trigger" "
  SELECT table_name FROM information_schema.columns c
  WHERE table_schema = 'public' AND column_name = 'updated_at' AND NOT EXISTS (
    SELECT 1 FROM pg_trigger g WHERE g.tgrelid = c.table_name::regclass
      AND g.tgname = 'update_' || c.table_name || '_updated_at')"

check "full: times have a zone" "
  SELECT table_name, column_name FROM information_schema.columns
  WHERE table_schema = 'public' AND data_type = 'timestamp without time zone'"

# Statistics of the market are not money.
check "full: money has at most 18 digits" "
  SELECT table_name, column_name FROM information_schema.columns
  WHERE table_schema = 'public' AND data_type = 'numeric'
    AND (numeric_precision IS NULL OR numeric_precision > 18)
    AND (table_name, column_name) NOT IN (('price_history', 'market_cap'), ('price_history', 'volume_24h'))"

check "full: money and evidence are not cascaded away" "
  SELECT conrelid::regclass, conname FROM pg_constraint
  WHERE contype = 'f' AND confdeltype NOT IN ('r', 'n') AND conrelid IN (
    'accounts'::regclass, 'transactions'::regclass, 'audit_logs'::regclass, 'portfolio'::regclass,
    'portfolio_transactions'::regclass, 'trades'::regclass, 'deposit_addresses'::regclass,
    'crypto_withdrawals'::regclass, 'user_kyc'::regclass, 'ai_command_logs'::regclass)"

check "full: no seed row has a password" "
  SELECT email FROM users WHERE password_hash <> '!'"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
