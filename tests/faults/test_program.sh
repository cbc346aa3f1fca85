#!/usr/bin/env bash
# What the command line leaves behind when it is killed, run twice at once, given a path that is no file, a full disk, or more
# of everything than usual.
#   LEDGER_TEST_COUNT   rounds of each kill loop (3); more than 10: a load of 1,000,000 lines as well
set -uo pipefail
. tests/lib/tap.sh
ROUNDS=${LEDGER_TEST_COUNT:-3}
cd "$TAP_WORK" || exit 1
trap 'cd / && chmod -R u+w "$TAP_WORK" && rm -rf "$TAP_WORK"' EXIT

schema='CREATE TABLE rows (n bigint PRIMARY KEY, who int NOT NULL, body text NOT NULL, at timestamptz NOT NULL);'
printf '%s\n' "$schema" >rows.sql
lines() { # from to who
  awk -v a="$1" -v b="$2" -v who="$3" 'BEGIN { for (n = a; n <= b; n++) printf "{\"table\":\"rows\",\"row\":{\"n\":%d,\"who\":%d,\"body\":\"row %d\",\"at\":\"2026-01-01T00:00:00Z\"}}\n", n, who, n }'
}
sound() { # file: integrity and foreign keys, by the sqlite3 shell, which knows nothing of ours
  sqlite3 "$1" 'PRAGMA integrity_check; PRAGMA foreign_key_check;' 2>&1
}
pause() { # a random part of the given milliseconds
  sleep "$(awk -v most="$1" -v seed="$RANDOM" 'BEGIN { srand(seed); printf "%.4f", rand() * most / 1000 }')"
}
end() { kill -9 "$1" 2>/dev/null; wait "$1" 2>/dev/null; }
gone() { # waits until a killed process, which need not be our child, has ended: it may still be inside a write
  while grep -qs '^State:[[:space:]]*[^ZX]' "/proc/$1/status"; do sleep 0.01; done
}

# ---- kill -9 of a load: each line answered is there, and nothing behind the last whole batch
lost=0 half=0 answered_all=0
for _ in $(seq "$ROUNDS"); do
  rm -f load.db* answers
  "$LEDGER" init load.db --schema rows.sql >/dev/null 2>&1
  (lines 1 1000000 1 | exec "$LEDGER" load load.db --batch=50 >answers 2>/dev/null) &
  group=$!
  pause 400
  child=$(pgrep -P "$group" -f 'load load.db' | head -n 1)
  [ -n "$child" ] && kill -9 "$child" 2>/dev/null && gone "$child"
  end "$group"
  answered=$(grep -c '"ok":true' answers || true)
  there=$(sqlite3 load.db 'SELECT count(*) FROM rows')
  answered_all=$((answered_all + answered))
  [ "$there" -ge "$answered" ] || lost=$((lost + 1))
  [ "$(sqlite3 load.db 'SELECT coalesce(max(n), 0) FROM rows')" = "$there" ] && [ $((there % 50)) -eq 0 ] &&
    [ "$(sound load.db)" = ok ] || half=$((half + 1))
  # the file that has just these rows
  rm -f same.db*
  "$LEDGER" init same.db --schema rows.sql >/dev/null 2>&1
  lines 1 "$there" 1 | "$LEDGER" load same.db --quiet >/dev/null 2>&1
  [ "$("$LEDGER" digest load.db)" = "$("$LEDGER" digest same.db)" ] || half=$((half + 1))
done
is "kill -9 of load: no line that was answered is lost" "$lost" 0
is "kill -9 of load: whole batches, the digest of the same rows loaded alone" "$half" 0
if [ "$answered_all" -gt 0 ]; then tap_ok "kill -9 of load: $answered_all lines were answered"; else tap_no "no line was answered"; fi

# ---- two writers, one of them killed
lost=0 broken=0
for _ in $(seq "$ROUNDS"); do
  rm -f two.db* one two
  "$LEDGER" init two.db --schema rows.sql >/dev/null 2>&1
  lines 1 2000 1 >first
  lines 1000001 1900000 2 >second
  "$LEDGER" load two.db --batch=20 <first >one 2>/dev/null &
  a=$!
  "$LEDGER" load two.db --batch=20 <second >two 2>/dev/null &
  b=$!
  pause 300
  end "$b"
  wait "$a" || lost=$((lost + 1))
  [ "$(sqlite3 two.db 'SELECT count(*) FROM rows WHERE who = 1')" = 2000 ] || lost=$((lost + 1))
  [ "$(sqlite3 two.db 'SELECT count(*) FROM rows WHERE who = 2')" -ge "$(grep -c '"ok":true' two)" ] || lost=$((lost + 1))
  [ "$(sound two.db)" = ok ] || broken=$((broken + 1))
done
is "two writers, one killed: the other's rows and those that were answered are there" "$lost" 0
is "two writers, one killed: the file is sound" "$broken" 0

# ---- kill -9 of init and of export -o: the whole file, or no file
bad=0
"$LEDGER" init whole.db --schema full >/dev/null 2>&1
for _ in $(seq $((ROUNDS * 3))); do
  rm -f new.db*
  "$LEDGER" init new.db --schema full >/dev/null 2>&1 &
  child=$!
  pause 60
  end "$child"
  # the shell's integrity_check wants our functions here: the same size, the same digest
  [ ! -e new.db ] || { [ "$(wc -c <new.db)" = "$(wc -c <whole.db)" ] && [ "$("$LEDGER" digest new.db)" = "$("$LEDGER" digest whole.db)" ]; } || bad=$((bad + 1))
done
is "kill -9 of init: no half file under its name" "$bad" 0
bad=0
"$LEDGER" export same.db --full -o whole.sql
for _ in $(seq "$ROUNDS"); do
  rm -f out.sql*
  "$LEDGER" export same.db --full -o out.sql 2>/dev/null &
  child=$!
  pause 60
  end "$child"
  [ ! -e out.sql ] || cmp -s out.sql whole.sql || bad=$((bad + 1))
done
is "kill -9 of export -o: no half file under its name" "$bad" 0

# ---- at once
wins=""
for _ in $(seq "$ROUNDS"); do
  rm -f race.db*
  pids=()
  for _ in 1 2 3 4; do
    "$LEDGER" init race.db --schema pe_portal >/dev/null 2>>race.err &
    pids+=($!)
  done
  won=0
  for pid in "${pids[@]}"; do if wait "$pid"; then won=$((won + 1)); fi; done
  [ "$(sound race.db)" = ok ] || won="broken"
  wins="$wins$won"
done
is "four inits of one file at once: one wins" "$wins" "$(printf '1%.0s' $(seq "$ROUNDS"))"
like "and the others say so" "$(cat race.err)" '58P02'
is "nothing else is left beside the file" "$(ls -d race.db?* 2>/dev/null | grep -v -e '-wal$' -e '-shm$')" ""

rm -f busy.db* copy*.db*
"$LEDGER" init busy.db --schema rows.sql >/dev/null 2>&1
(lines 1 2000000 1 | "$LEDGER" load busy.db --batch=100 >/dev/null 2>&1) &
writer=$!
bad=""
for n in $(seq "$ROUNDS"); do
  pause 60
  "$LEDGER" backup busy.db "copy$n.db" || bad="$bad refused"
  [ "$(sound "copy$n.db")" = ok ] || bad="$bad broken"
  [ "$(sqlite3 "copy$n.db" 'SELECT count(*) % 100, max(n) = count(*) OR max(n) IS NULL FROM rows')" = '0|1' ] || bad="$bad half"
done
pkill -9 -P "$writer" 2>/dev/null
end "$writer"
is "backup beside a writer: whole transactions, sound" "$bad" ""
status "backup over a file that is there" 1 "$LEDGER" backup busy.db copy1.db
like "is refused" "$PROBLEM" '58P02'

# ---- paths
mkdir folder locked
mkfifo fifo
ln -s loop loop
ln -s nowhere dangling
: >empty.db
head -c 5000 /dev/urandom >noise.db
sqlite3 other.db 'CREATE TABLE t (a)'
for path in folder fifo loop dangling empty.db noise.db other.db missing.db /dev/null folder/ missing/x.db; do
  code=0
  problem=$(timeout 10 "$LEDGER" info "$path" 2>&1 >/dev/null) || code=$?
  like "info $path: one line with a SQLSTATE, status 1 or 2" "$code $(printf '%s' "$problem" | wc -l) $problem" '^[12] 0 ledger info: .*\[(58P01|XX001|58030)\]'
  case $path in missing.db | missing/x.db) continue ;; esac
  code=0
  problem=$(timeout 10 "$LEDGER" init "$path" --schema pe_portal 2>&1 >/dev/null) || code=$?
  like "init $path: refused" "$code $(printf '%s' "$problem" | wc -l) $problem" '^[12] 0 ledger init: .*\[(58P01|58P02|58030|42501)\]'
done
is "empty.db and other.db are as they were" "$(wc -c <empty.db) $(sqlite3 other.db .tables)" "0 t"
odd=('a b.db' 'q?x=1.db' 'per%41cent.db' 'file:uri.db' 'file:uri.db?mode=memory' '#hash' "quote'\"s.db" $'line\nbreak.db' '-dash.db' ':memory:x' $'\xc3\xa9.db' $'bad\xff.db')
for path in "${odd[@]}"; do
  code=0
  problem=$("$LEDGER" init -- "$path" --schema rows.sql 2>&1 >/dev/null || "$LEDGER" init "./$path" --schema rows.sql 2>&1 >/dev/null) || code=$?
  where=$path
  [ -f "$where" ] || where=./$path
  is "init of a strange name: $(printf '%q' "$path")" "$code $([ -f "$path" ] && echo there)" "0 there"
  seen=$("$LEDGER" info --json "./$path" 2>&1 | tr -d '\n' | grep -c '"schema":')
  is "info of it, as JSON" "$seen" 1
done
cp same.db locked/same.db
chmod 500 locked
if [ "$(id -u)" -ne 0 ]; then
  status "init in a folder that may not be written" 2 "$LEDGER" init locked/new.db --schema pe_portal
  like "names the reason" "$PROBLEM" 'Permission denied.*\[58P01\]|\[42501\]'
fi
status "a file in a folder that may not be written is read" 0 "$LEDGER" digest locked/same.db
chmod 700 locked

# ---- an error is one line, and no data reaches the terminal as it is
printf 'CREATE TABLE "a\nb" (x int);\n' >names.sql
hostile=$'x\ny\e[31m'
one_line() { printf '%s' "$PROBLEM$SEEN" | LC_ALL=C grep -c '[[:cntrl:]]'; printf '%s\n' "$PROBLEM" | wc -l; }
status "a table with a line's end in its name" 1 "$LEDGER" get same.db "$hostile"
is "is quoted on one line" "$(one_line)" "$(printf '0\n1')"
status "a file with one" 2 "$LEDGER" info "$hostile"
is "is named on one line" "$(one_line)" "$(printf '0\n1')"
status "a schema file with one" 1 "$LEDGER" init names.db --schema names.sql
like "is refused by place" "$PROBLEM" '^names\.sql:1:14: error: .*"a\\nb"'

# ---- many tables, many columns
many() { awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) printf "CREATE TABLE t%d (id bigserial PRIMARY KEY, up bigint %s, name varchar(50) UNIQUE, amount numeric(12,2) CHECK (amount >= 0), at timestamptz DEFAULT now());\n", i, i ? "REFERENCES t" i - 1 " (id)" : "" }'; }
wide() { awk -v n="$1" 'BEGIN { printf "CREATE TABLE wide (id int PRIMARY KEY"; for (i = 1; i < n; i++) printf ", c%d int", i; print ");" }'; }
row() { awk -v n="$1" -v op="$2" -v part="$3" 'BEGIN { printf "{\"table\":\"wide\",\"op\":\"%s\",\"%s\":{\"id\":1", op, part; for (i = 1; i < n; i++) printf ",\"c%d\":%d", i, i; print "}}" }'; }
many 300 >many.sql
status "a schema of 300 tables" 0 "$LEDGER" init many.db --schema many.sql
like "has 300" "$("$LEDGER" info --json many.db)" '"tables":[[:space:]]*300,'
for n in 200 1600; do
  rm -f wide.db*
  wide "$n" >wide.sql
  status "a table of $n columns" 0 "$LEDGER" init wide.db --schema wide.sql
  like "takes a row" "$( (row "$n" insert row; row "$n" upsert row) | "$LEDGER" load wide.db --quiet 2>&1)" '2 lines done, 0 refused'
done
like "1600 conditions in a where are refused" "$(row 1600 delete where | "$LEDGER" load wide.db 2>&1)" '\[54001\]'
wide 1601 >wide.sql
status "a table of 1601 columns" 1 "$LEDGER" schema wide.sql --check
like "is refused" "$SEEN$PROBLEM" '\[54011\]'

# ---- a disk that is full half-way
if [ "$(id -u)" -eq 0 ] && mkdir full && mount -t tmpfs -o size=2m tmpfs full 2>/dev/null; then
  "$LEDGER" init full/f.db --schema rows.sql >/dev/null 2>&1
  code=0
  problem=$(lines 1 100000 1 | "$LEDGER" load full/f.db --batch=100 2>&1 >answers) || code=$?
  like "load on a full disk" "$code $problem" '^1 .*\[53100\]'
  is "what was answered is there" "$([ "$(sqlite3 full/f.db 'SELECT count(*) FROM rows')" -ge "$(grep -c '"ok":true' answers)" ] && sound full/f.db)" ok
  status "export to a full disk" 1 "$LEDGER" export same.db --full -o full/out.sql
  is "leaves no file" "$(ls full | grep out)" ""
  umount full
else
  tap_ok "a disk that is full half-way # SKIP needs root and tmpfs"
fi

# ---- memory does not grow with the input
peak() { # lines: KiB
  rm -f flat.db*
  "$LEDGER" init flat.db --schema rows.sql >/dev/null 2>&1
  lines 1 "$1" 1 | python3 -c 'import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$LEDGER" load flat.db
}
if [ -n "${SANITIZED:-}" ]; then
  tap_ok "load: memory # SKIP the sanitizers keep freed memory"
else
  small=$(peak 20000)
  large=$(peak $((ROUNDS > 10 ? 1000000 : 100000)))
  # SQLite's cache of 16 MB fills on the way
  if [ "$large" -lt $((small + 16384)) ]; then
    tap_ok "load: $small KiB for 20,000 lines, $large KiB for many"
  else
    tap_no "load grows" "$small KiB, then $large KiB"
  fi
fi
tap_end
