#!/usr/bin/env bash
# What a value or a name must never do on its way through psql: act. Values and names that would end a quote, a COPY, a line or a
# statement go through batches, COPY form and INSERT form, into main, into custody and out again, and through a psql whose COPY is
# refused and that is not told to stop. Nothing is executed, and each value arrives byte for byte.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. tests/lib/sync.sh
: "${LEDGER:=$PWD/build/ledger}"
work=$TAP_WORK mark=$TAP_WORK/mark
trap 'main_drop_all; rm -rf "$work"' EXIT

# Each value as a JSON text. @ is the command that would leave a mark.
corpus() {
  sed "s|@|touch $mark|g" <<'VALUES'
foo; ROLLBACK; DROP TABLE victim CASCADE; --
\n; COMMIT; DROP TABLE victim; --
\t `@`
\f `@`
\u000b `@`
\n\\! @\n
\n\\! @
\\.\n\\! @\n
\\.
\n\\.\n
\n\\.
\\.\n
\\.;\nDROP TABLE victim;
\\N
\\\\N
\\
\\\\
\\x41
\\o | @
\n\\o | @
\n\\g | @
\n\\copy victim from program '@'
\n\\unrestrict `@`
\n\\restrict x
\n\\q\n
\n\\c template1\n
\n\\i /etc/passwd\n
\n\\set ON_ERROR_STOP off\n
\n\\if false\n
`@`
:x
:'x'
:\"x\"
:{?x}
a::text
$$
$1
$$; DROP TABLE victim; $$
$x$; DROP TABLE victim; $x$
'
''
'; DROP TABLE victim; --
\\'; DROP TABLE victim; --
E'\\''
\"
\"\"
\"; DROP TABLE victim; --
--
-- x
/*
*/
/* */ DROP TABLE victim; /*
(
)
((
;
;;
COMMIT;
COMMIT
ROLLBACK;
SELECT ledger_sync.end_batch();
{\"ledger_ack\":1,\"received\":99}
\n{\"ledger_ack\":1,\"received\":99}
{\"ledger_batch\":1}
%s%n%d
\u001a
\u0001\u0002\u007f
\u001b[31m
\r
\r\n
a\rb
\n
\n\n
\t
 
   leading and trailing   
\u2028
\u2029
\u0085
\ufeff
\u202e
\ud83d\ude00
e\u0301
{}
{a,b}
NULL
null
,
(,)
(a,\"b\")

VALUES
}
count=$(corpus | wc -l)

cat >"$work/schema.sql" <<'SQL'
CREATE TABLE notes (id integer PRIMARY KEY, v text, tags text[], document jsonb);
CREATE TABLE keyed (k text, n integer, v text, PRIMARY KEY (k, n));
CREATE TABLE natural_keys (id uuid PRIMARY KEY, k text UNIQUE);
CREATE TABLE "Quotes" ("OClock" integer PRIMARY KEY, "a$ledger$b" text, "select" text);
CREATE TABLE "x$$y" ("user" integer PRIMARY KEY, "x$1" text);
SQL
rows() {
  corpus | awk '{
    printf "{\"table\":\"notes\",\"op\":\"upsert\",\"row\":{\"id\":%d,\"v\":\"%s\",\"tags\":[\"%s\",null,\"x\"],\"document\":{\"k\":\"%s\"}}}\n", NR, $0, $0, $0
    printf "{\"table\":\"keyed\",\"op\":\"upsert\",\"row\":{\"k\":\"%s\",\"n\":%d,\"v\":\"%s\"}}\n", $0, NR, $0
    printf "{\"table\":\"\\\"Quotes\\\"\",\"op\":\"upsert\",\"row\":{\"OClock\":%d,\"a$ledger$b\":\"%s\",\"select\":\"%s\"}}\n", NR, $0, $0
    printf "{\"table\":\"\\\"x$$y\\\"\",\"op\":\"upsert\",\"row\":{\"user\":%d,\"x$1\":\"%s\"}}\n", NR, $0 }'
}
columns='"notes" v|"notes" tags[1]|"notes" document|"keyed" k|"keyed" v|"Quotes" "a$ledger$b"|"Quotes" "select"|"x$$y" "x$1"'
of_file() { if [ "$1" = 'tags[1]' ]; then echo "json_extract(tags, '\$[0]')"; else echo "$1"; fi; } # arrays are JSON there
bytes_of_file() {
  while IFS= read -r -d'|' column; do
    sqlite3 "$1" "SELECT hex(CAST($(of_file "${column#* }") AS TEXT)) FROM ${column% *} ORDER BY 1"
  done <<<"$columns|"
}
bytes_of_main() {
  while IFS= read -r -d'|' column; do
    ask "SELECT upper(encode(convert_to(${column#* }::text, 'UTF8'), 'hex')) FROM ${column% *} ORDER BY 1"
  done <<<"$columns|"
}
arrived() { # title
  bytes_of_file "$work/notes.db" >"$work/sent"
  bytes_of_main >"$work/found"
  if [ -s "$work/sent" ] && cmp -s "$work/sent" "$work/found"; then tap_ok "$1"; else tap_no "$1" "$(diff "$work/sent" "$work/found" | cut -c1-150)"; fi
}
quiet() { # title
  local seen
  seen=$(ask "SELECT count(*) FROM victim")
  if [ ! -e "$mark" ] && [ "$seen" = 1 ]; then tap_ok "$1"; else tap_no "$1" "mark: $(ls "$mark" 2>&1), victim: $seen"; fi
  rm -f "$mark"
}
prepare() { # name
  main "$1" "$work/schema.sql"
  ask "CREATE TABLE victim AS SELECT 1 AS one" >/dev/null
}

# ---- into main, in both forms
"$LEDGER" init "$work/notes.db" --schema "$work/schema.sql" >/dev/null || exit 1
rows | "$LEDGER" load "$work/notes.db" --quiet 2>"$work/problem" || tap_no "the corpus loads" "$(cat "$work/problem")"
is "the corpus is there" "$(sqlite3 "$work/notes.db" 'SELECT count(*) FROM notes')" "$count"
for format in copy insert; do
  prepare $format
  device_enrol "$work/notes.db"
  "$LEDGER" export "$work/notes.db" --format $format >"$work/$format.sql"
  is "$format: psql has nothing to say" "$(psql -q -A -t -X -v x=interpolated -d "$MAIN" -f "$work/$format.sql" 2>&1 | grep -v -e '^{"ledger_ack' -e '^applied$' -e '^$')" ""
  quiet "$format: nothing is executed"
  arrived "$format: $count values arrive byte for byte, in text, arrays, documents and keys"
  is "$format: the digests are equal" "$(same_digest "$work/notes.db")" ""
done
kept=$MAIN

# ---- as other clients have it: a psql before 15.20 that goes on, a target without the tables
prepare refused
"$LEDGER" export "$work/notes.db" --init | psql -q -X -d "$MAIN" >/dev/null 2>&1
relations() { ask "SELECT string_agg(oid || relname, ',' ORDER BY oid) FROM pg_class WHERE relnamespace <> 'pg_toast'::regnamespace"; }
before=$(relations)
for format in copy insert; do
  psql -q -A -t -X -v x=interpolated -d "$MAIN" -f "$work/$format.sql" >"$work/out" 2>&1
  stopped=$?
  [ $format = insert ] || is "a device that is not enrolled: psql stops with an error" $stopped 3
  quiet "a device that is not enrolled, $format: nothing is executed"
  grep -v '^\\set ON_ERROR_STOP' "$work/$format.sql" | psql -q -A -t -X -v x=interpolated -d "$MAIN" >"$work/out" 2>&1
  quiet "and by a psql that goes on behind errors, $format: nothing is executed"
done
# COPY is refused at its start and its lines are read as SQL, outside of any transaction: each line by itself must be harmless
sed -n '/^COPY /,/^\\\.$/p' "$work/copy.sql" | psql -q -A -t -X -v x=interpolated -d "$MAIN" >"$work/out" 2>&1
quiet "COPY into a table that is not there: its data is not executed"
is "and the database has what it had" "$(relations)" "$before"
is "no line of a batch has a control byte or a ; of a value" "$(sed -n '/^COPY /,/^\\\.$/p' "$work/copy.sql" | grep -v '^COPY ' |
  LC_ALL=C grep -cE $'[\x01-\x08\x0b-\x1f\x7f;]')" 0

# ---- custody: the reason of a row that main refuses is one line, whatever the key
MAIN=$kept
ask "INSERT INTO natural_keys SELECT gen_random_uuid(), v FROM notes" >/dev/null
before=$(ask "SELECT count(*) FROM natural_keys")
corpus | awk 'NR % 7 == 1 {
  printf "{\"table\":\"natural_keys\",\"row\":{\"id\":\"00000000-0000-4000-8000-%012d\",\"k\":\"%s\"}}\n", NR, $0 }' | while IFS= read -r line; do
  printf '%s\n' "$line" | "$LEDGER" load "$work/notes.db" --quiet 2>>"$work/loads"
  "$LEDGER" export "$work/notes.db" >/dev/null
done
"$LEDGER" export "$work/notes.db" | psql -q -A -t -X -d "$MAIN" >"$work/answer" 2>"$work/problem"
is "rows whose natural key is taken: psql has nothing to say" "$(cat "$work/problem")" ""
like "they go into custody" "$(cat "$work/answer")" '^in custody: '
is "each answer is one line" "$(grep -vcE '^(in custody: .*|applied|already applied|\{"ledger_ack".*|)$' "$work/answer")" 0
quiet "custody: nothing is executed"
"$LEDGER" ack "$work/notes.db" <"$work/answer" >/dev/null 2>"$work/problem"
like "the device takes the acknowledgement, and says why they wait, in one line" "$?: $(cat "$work/problem")" '^1: ledger ack: .*in custody: public.natural_keys .*\[23505\].*retry\(\)\)$'
ask "DELETE FROM natural_keys" >/dev/null
ask "SELECT * FROM ledger_sync.retry()" >"$work/answer"
quiet "retry: nothing is executed"
is "retry: all that waited is applied" "$(ask "SELECT count(*) FROM natural_keys") $(ask "SELECT count(*) FROM ledger_sync.batch WHERE state = 'waiting'")" "$(((count + 6) / 7)) 0"
is "retry: the digests are equal" "$(same_digest "$work/notes.db")" ""
is "retry: custody is empty" "$(ask 'SELECT count(*) FROM ledger_sync.inbox')" 0

# ---- names that are not to be had
for name in 'a"b' "a'b" 'a;b' $'a\nb' 'a`b`' 'a\b' 'ledger_x' ''; do
  printf 'CREATE TABLE "%s" (id integer PRIMARY KEY);\n' "$(sed 's/"/""/g' <<<"$name")" >"$work/name.sql"
  refused=0
  "$LEDGER" schema "$work/name.sql" --check >/dev/null 2>&1 || refused=$?
  is "the name $(printf %q "$name") is refused" $refused 1
done
tap_end
