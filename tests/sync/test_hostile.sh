#!/usr/bin/env bash
# Hostile values of every type on their way through batches: what psql loads from a full export of the file, and what arrives by
# batches, COPY form and INSERT form, is the same to the byte; inserted, changed, deleted, and as keys. Then the same batches once
# to three times in any interleaving of two devices: digests, sequences and the counts of rows written are those of once.
#   LEDGER_TEST_COUNT  interleavings (3)
#   LEDGER_TEST_SEED
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. tests/lib/sync.sh
: "${LEDGER:=$PWD/build/ledger}"
INTERLEAVINGS=${LEDGER_TEST_COUNT:-3}
RANDOM=${LEDGER_TEST_SEED:-20261}
work=$TAP_WORK
trap 'main_drop_all; rm -rf "$work"' EXIT

# ---- a table for each type of the types' own tests, with all their values

# type <tab> value as a JSON text; what is not UTF-8 cannot be in JSON
inputs() {
  cat tests/types/inputs_*.txt | grep -v -e '^#' -e '^$' | grep -aviE '\\x[89a-f][0-9a-f]|\\x00' | LC_ALL=C sed -e 's/\\\\/\x01/g' \
    -e 's/"/\\"/g' -e 's/\\x\([0-7][0-9A-Fa-f]\)/\\u00\1/g' -e 's/\x01/\\\\/g'
}
schema() { # type...: those that the compiler takes
  local n=0 type
  for type in "$@"; do
    n=$((n + 1))
    printf 'CREATE TABLE t_%d (id integer PRIMARY KEY, v %s);\n' $n "$type"
  done
  for type in text uuid bytea date "timestamp with time zone" inet "numeric(15,2)" "double precision" "text[]" interval; do
    n=$((n + 1))
    printf 'CREATE TABLE k_%d (k %s, n integer, v text, PRIMARY KEY (k, n));\n' $n "$type"
  done
}
types=()
while IFS= read -r type; do
  schema "$type" | head -n 1 >"$work/one.sql"
  "$LEDGER" schema "$work/one.sql" --check >/dev/null 2>&1 && types+=("$type")
done < <(inputs | cut -f1 | sort -u | grep -v citext)
schema "${types[@]}" >"$work/types.sql"
lines() { # shift of the ids
  local n=0 type
  for type in "${types[@]}"; do
    n=$((n + 1))
    inputs | TYPE=$type awk -F'\t' -v n=$n -v shift="$1" '
      $1 == ENVIRON["TYPE"] { printf "{\"table\":\"t_%d\",\"op\":\"upsert\",\"row\":{\"id\":%d,\"v\":\"%s\"}}\n", n, ++id + shift, substr($0, length($1) + 2) }'
  done
  while read -r n type; do
    inputs | TYPE=$type awk -F'\t' -v n="$n" -v shift="$1" '
      $1 == ENVIRON["TYPE"] { v = substr($0, length($1) + 2); printf "{\"table\":\"k_%d\",\"op\":\"upsert\",\"row\":{\"k\":\"%s\",\"n\":%d,\"v\":\"%d\"}}\n", n, v, ++id % 3, shift }'
  done < <(sed -nE 's/^CREATE TABLE k_([0-9]+) \(k (.*), n integer.*/\1 \2/p' "$work/types.sql")
}
contents() { # of $MAIN, as COPY gives it
  local table
  sed -nE 's/^CREATE TABLE ([tk]_[0-9]+).*/\1/p' "$work/types.sql" | while read -r table; do
    printf "\\\\echo %s\nCOPY (SELECT * FROM %s ORDER BY %s) TO STDOUT;\n" "$table" "$table" "$([[ $table == t* ]] && echo id || echo 'k, n')"
  done | psql -X -q -d "$MAIN" 2>&1
}
each() { # prefix statement: with each table for &
  sed -nE "s/^CREATE TABLE ($1[0-9]+).*/\\1/p" "$work/types.sql" | sed "s/.*/$2/"
}
same_contents() { # title
  contents >"$work/found"
  "$LEDGER" export "$work/types.db" --full >"$work/full.sql"
  local kept=$MAIN
  main reference /dev/null
  psql -X -q -v ON_ERROR_STOP=1 -d "$MAIN" -f "$work/full.sql" >/dev/null 2>"$work/problem"
  contents >"$work/wanted"
  MAIN=$kept
  if [ -s "$work/wanted" ] && cmp -s "$work/found" "$work/wanted"; then tap_ok "$1"; else tap_no "$1" "$(diff "$work/found" "$work/wanted" | cut -c1-200 | head -n 10) $(cat "$work/problem")"; fi
}

"$LEDGER" init "$work/types.db" --schema "$work/types.sql" >/dev/null || { tap_no "the schema of ${#types[@]} types"; exit 1; }
main copies "$work/types.sql"; copies=$MAIN
main inserts "$work/types.sql"; inserts=$MAIN
for MAIN in $copies $inserts; do device_enrol "$work/types.db"; done
for step in "inserted 0" "changed 7" "deleted -"; do
  if [ "${step#* }" != - ]; then lines "${step#* }" | "$LEDGER" load "$work/types.db" --continue --quiet >/dev/null 2>&1
  else other "$work/types.db" "$(each 't_' 'DELETE FROM & WHERE id % 3 = 0;'; each 'k_' 'DELETE FROM & WHERE n = 1;')"; fi
  count=$(other "$work/types.db" "$(each '[tk]_' 'SELECT count(*) FROM &;')" | awk '{ n += $1 } END { print n }')
  MAIN=$inserts
  "$LEDGER" export "$work/types.db" --format insert 2>"$work/problem" | psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$MAIN" >/dev/null 2>>"$work/problem"
  is "${step% *}, INSERT form: psql has nothing to say" "$(head -n 3 "$work/problem")" ""
  is "${step% *}, INSERT form: $count values of ${#types[@]} types have the file's digest" "$(same_digest "$work/types.db")" ""
  same_contents "${step% *}, INSERT form: to the byte what a full export brings"
  MAIN=$copies
  by_pipe "$work/types.db" 2>"$work/problem"
  is "${step% *}, COPY form: psql has nothing to say" "$(head -n 3 "$work/problem")" ""
  is "${step% *}, COPY form: the file's digest" "$(same_digest "$work/types.db")" ""
  same_contents "${step% *}, COPY form: to the byte what a full export brings"
done

# ---- any interleaving

cat >"$work/shared.sql" <<'SQL'
CREATE TABLE people (id uuid PRIMARY KEY, email text UNIQUE, name text);
CREATE TABLE rooms (id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, label text);
CREATE TABLE stays (id bigserial PRIMARY KEY, person uuid REFERENCES people (id), room integer REFERENCES rooms (id), note text);
SQL
main repeats "$work/shared.sql"
device "$work/a.db" "$work/shared.sql"
device "$work/b.db" "$work/shared.sql"
by_pipe "$work/a.db" && by_pipe "$work/b.db" # their key ranges
batches=5
for ((batch = 1; batch <= batches; batch++)); do
  for side in a b; do
    for ((n = 0; n < 12; n++)); do
      person=00000000-0000-4000-8000-00000000000$((RANDOM % 8))
      own=00000000-0000-4000-8000-00$side$(printf %09d $((batch * 100 + n)))
      printf '{"table":"people","op":"upsert","row":{"id":"%s","name":"%s %d %d"}}\n' $person $side $batch $n
      printf '{"table":"people","row":{"id":"%s","email":"%s@%s.co"}}\n' "$own" "$batch-$n" $side
      printf '{"table":"rooms","row":{"label":"%s"}}\n{"table":"stays","row":{"person":"%s","note":"%d"}}\n' $side "$person" $n
      [ $((RANDOM % 4)) -ne 0 ] || printf '{"table":"stays","op":"delete","where":{"person":"%s"}}\n' "$person"
    done | "$LEDGER" load "$work/$side.db" --quiet 2>"$work/problem" || tap_no "rows of batch $batch" "$(cat "$work/problem")"
    # the copies of a batch are made now: later exports hold all that is not acknowledged
    "$LEDGER" export "$work/$side.db" >"$work/all" && "$LEDGER" export "$work/$side.db" --since $batch >"$work/$side.$batch"
  done
done
for side in a b; do
  for ((batch = 1; batch <= batches; batch++)); do [ -s "$work/$side.$batch" ] || tap_no "batch $batch of $side has no script"; done
done
apply() { psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$MAIN" -f "$work/$1" 2>&1; }
written() { # inserts, updates and deletes of main's own tables, once all sessions have told
  ask "SELECT string_agg(relname || ' ' || n_tup_ins || ' ' || n_tup_upd || ' ' || n_tup_del, ', ' ORDER BY relname) FROM pg_stat_user_tables WHERE schemaname = 'public'"
}
sequences() { ask "SELECT string_agg(sequencename || ' ' || coalesce(last_value, 0), ', ' ORDER BY sequencename) FROM pg_sequences WHERE schemaname = 'public'"; }
template=$MAIN wanted="" wanted_sequences=""
for ((round = 0; round < INTERLEAVINGS; round++)); do
  MAIN=$template
  main_copy "repeats_$round"
  declare -A next=([a]=1 [b]=1)
  problem="" surplus=0
  while [ ${next[a]} -le $batches ] || [ ${next[b]} -le $batches ]; do
    side=$([ $((RANDOM % 2)) = 0 ] && echo a || echo b)
    if [ ${next[$side]} -le $batches ] && { [ $round = 0 ] || [ $((RANDOM % 2)) = 0 ]; }; then
      seen=$(apply "$side.${next[$side]}") || problem+=" $side.${next[$side]}: $seen"
      next[$side]=$((next[$side] + 1))
    elif [ $round -gt 0 ] && [ ${next[$side]} -gt 1 ]; then
      before=$(written) again=$((1 + RANDOM % (next[$side] - 1)))
      seen=$(apply "$side.$again") || problem+=" again $side.$again: $seen"
      [ "$(written)" = "$before" ] || surplus=$((surplus + 1))
    elif [ $round -gt 0 ]; then
      seen=$(apply "$side.$((next[$side] + 1))") && problem+=" $side.$((next[$side] + 1)) was taken too early"
      [[ $seen == *"LS006"* || $seen == *"batch"* ]] || problem+=" too early: $seen"
    fi
  done
  is "interleaving $round: nothing is refused" "$problem" ""
  is "interleaving $round: a batch that is there writes nothing" "$surplus" 0
  digest=$(ask "SELECT * FROM ledger_sync.digest()") sequence=$(sequences)
  if [ -z "$wanted" ]; then wanted=$digest wanted_sequences=$sequence; fi
  is "interleaving $round: the digest of all others" "$digest" "$wanted"
  is "interleaving $round: the sequences of all others" "$sequence" "$wanted_sequences"
done
is "and that is not of empty tables" "$(ask "SELECT (SELECT count(*) FROM people) > 100 AND (SELECT count(*) FROM stays) > 20 AND (SELECT count(*) FROM rooms) > 100")" t
tap_end
