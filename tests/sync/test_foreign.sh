#!/usr/bin/env bash
# Test 8 of sync: other programs write the file, the sqlite3 shell with nothing of ours in it. Whatever they do in whichever way,
# main has the same rows afterwards.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. tests/lib/sync.sh
: "${OUT:=build}" "${LEDGER:=$PWD/$OUT/ledger}"
work=$TAP_WORK
trap 'rm -rf "$work"; main_drop_all' EXIT

# No column here has a type whose order or checks are ours: the shell alone can write all of it.
cat >"$work/own.sql" <<'SQL'
CREATE TABLE people (id int PRIMARY KEY, email text UNIQUE, city text, street text, note text);
CREATE UNIQUE INDEX people_place ON people (city, street);
CREATE UNIQUE INDEX people_note ON people (note) WHERE city IS NULL;
CREATE TABLE pets (owner int REFERENCES people ON DELETE CASCADE ON UPDATE CASCADE, name text, PRIMARY KEY (owner, name));
CREATE TABLE visits (id int PRIMARY KEY, person int REFERENCES people ON DELETE SET NULL ON UPDATE CASCADE, what text);
CREATE TABLE tree (id int PRIMARY KEY, up int REFERENCES tree ON DELETE CASCADE);
CREATE TABLE bytes (a text, b bytea, c bigint, PRIMARY KEY (a, b, c));
SQL
main foreign "$work/own.sql"
file=$work/file.db
device "$file" "$work/own.sql"

plain() { sqlite3 -batch -bail "$file" "$1" 2>&1; } # the shell, and nothing else
waiting() { sqlite3 "$file" "SELECT count(*) FROM ledger_change WHERE n > (SELECT cut_change FROM ledger_sync_state)"; }
# wrote TITLE SQL: it is written, and main is the same afterwards
wrote() {
  is "$1" "$(plain "$settings $2"; by_pipe "$file" 2>&1; same_digest "$file")" ""
}

like "SQLite's own shell" "$(sqlite3 --version)" '^3\.'
for settings in 'PRAGMA recursive_triggers = OFF; PRAGMA foreign_keys = ON;' 'PRAGMA recursive_triggers = ON; PRAGMA foreign_keys = ON;' \
  'PRAGMA recursive_triggers = OFF; PRAGMA foreign_keys = OFF;'; do
  printf '# %s\n' "$settings"
  wrote "rows" "INSERT INTO people VALUES (1, 'a', 'x', 's', NULL), (2, 'b', 'y', 's', NULL), (3, 'c', NULL, NULL, 'n'), (4, NULL, NULL, NULL, NULL)"
  wrote "changed" "UPDATE people SET note = note || '!' , city = coalesce(city, 'z') WHERE id IN (1, 3)"
  wrote "its key changed" "UPDATE people SET id = 40 WHERE id = 4"
  wrote "keys that change places" "UPDATE people SET id = -id WHERE id < 3; UPDATE people SET id = 3 + id WHERE id < 0"
  wrote "deleted" "DELETE FROM people WHERE id = 40"
  wrote "replaced by its key" "INSERT OR REPLACE INTO people VALUES (2, 'a', 'x', 's', 'r')"
  wrote "replaced by another key" "REPLACE INTO people VALUES (5, 'a', 'q', 's', 'r')"
  wrote "replaced by an index of two columns" "INSERT OR REPLACE INTO people (id, city, street) VALUES (6, 'q', 's')"
  wrote "replaced by a partial index" "INSERT INTO people (id, note) VALUES (7, 'p'); INSERT OR REPLACE INTO people (id, note) VALUES (8, 'p')"
  wrote "several by one row" "INSERT INTO people VALUES (10, 'm1', 'm', '1', NULL), (11, 'm2', 'm', '2', NULL); REPLACE INTO people VALUES (12, 'm1', 'm', '2', NULL)"
  wrote "an update that replaces" "INSERT INTO people (id, email) VALUES (13, 'u1'), (14, 'u2'); UPDATE OR REPLACE people SET email = 'u1' WHERE id = 14"
  wrote "ignored, and upserts" "INSERT OR IGNORE INTO people (id, email) VALUES (16, 'u1'); INSERT INTO people (id, email) VALUES (14, 'v') ON CONFLICT DO NOTHING;
    INSERT INTO people (id, email) VALUES (17, 'u1') ON CONFLICT (email) DO UPDATE SET note = 'upserted', city = 'there'"
  wrote "in a transaction, half of it undone" "BEGIN; INSERT INTO people (id) VALUES (20); SAVEPOINT s; INSERT INTO people (id) VALUES (21); DELETE FROM people WHERE id = 20;
    ROLLBACK TO s; INSERT INTO people (id) VALUES (22); COMMIT; BEGIN; INSERT INTO people (id) VALUES (23); ROLLBACK"
  wrote "a key of several columns" "INSERT INTO bytes VALUES ('it''s, so', x'00ff27', -9223372036854775808), ('', x'', 0), ('é', x'2c', 1);
    UPDATE bytes SET c = 2 WHERE a = ''; DELETE FROM bytes WHERE a = 'é'"
  case $settings in *'foreign_keys = ON;'*)
    wrote "what cascades reach" "INSERT INTO people (id) VALUES (30), (31); INSERT INTO pets VALUES (30, 'Rex'), (31, 'Tom'); INSERT INTO visits VALUES (1, 30, 'v'), (2, 31, 'w')"
    wrote "an update that cascades" "UPDATE people SET id = 32 WHERE id = 31"
    wrote "a delete that cascades, and one that sets null" "DELETE FROM people WHERE id = 30"
    wrote "a tree" "INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 2), (4, NULL)"
    wrote "a tree that falls" "DELETE FROM tree WHERE id = 1"
    wrote "a replaced row that others refer to" "UPDATE people SET email = 'w1' WHERE id = 32; REPLACE INTO people (id, email) VALUES (33, 'w1')"
    ;;
  esac
  wrote "VACUUM" "VACUUM"
  is "which is no change" "$(waiting)" 0
  wrote "everything, without a condition" "DELETE FROM visits; DELETE FROM pets; DELETE FROM tree; DELETE FROM bytes; DELETE FROM people"
  is "and main has nothing left" "$(ask 'SELECT count(*) FROM people')" 0
done

# The shell's own ways to bring rows in
settings=
printf 'id,email\n51,i1\n52,i2\n' >"$work/rows.csv"
is "an import of a file" "$(sqlite3 -batch "$file" ".mode csv" "CREATE TEMP TABLE rows (id, email)" ".import --skip 1 $work/rows.csv rows" \
  "INSERT INTO people (id, email) SELECT * FROM rows" 2>&1; by_pipe "$file" 2>&1; same_digest "$file")" ""
is "rows of a dump" "$(plain ".dump --data-only people" | sed 's/(5/(6/; s/i1/j1/; s/i2/j2/' >"$work/dump.sql"
  sqlite3 -batch "$file" <"$work/dump.sql" 2>&1; by_pipe "$file" 2>&1; same_digest "$file"; ask 'SELECT count(*) FROM people')" 4
# A program and ours by turns
for i in 1 2 3; do
  plain "UPDATE people SET note = 'plain $i' WHERE id = 51" >/dev/null
  printf '{"table":"people","op":"update","row":{"note":"ours %s"},"where":{"id":52}}\n' $i | "$LEDGER" load "$file" --quiet 2>/dev/null
done
is "by turns with our own writes" "$(by_pipe "$file" 2>&1; same_digest "$file"; ask "SELECT string_agg(note, ', ' ORDER BY id) FROM people WHERE id IN (51, 52)")" "plain 3, ours 3"
is "the clock never stands still" "$(plain "UPDATE people SET note = note || '.'; UPDATE people SET note = note || '.'"
  sqlite3 "$file" 'SELECT count(*) > 1, count(*) = count(DISTINCT hlc) FROM ledger_change')" "1|1"
settings=
wrote "two rows under a partial index" "INSERT INTO people (id, city, note) VALUES (80, NULL, 'p'), (81, 'in', 'p')"
wrote "an update that replaces, for it enters a partial index" "UPDATE OR REPLACE people SET city = NULL WHERE id = 81"
tap_end
