#!/usr/bin/env bash
# Foreign writers on ledger files: Debian's sqlite3 shell, Python and better-sqlite3, with ledger_ext and without it. What
# they write is checked as the engine checks it, and reaches PostgreSQL unchanged.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
: "${OUT:=build}" "${LEDGER:=$PWD/$OUT/ledger}"
work=$TAP_WORK
trap 'rm -rf "$work"' EXIT
export LC_ALL=C.UTF-8
extension=$PWD/$OUT/ledger_ext

# An extension built with the sanitizers needs their library in the foreign program; its leaks are not ours.
foreign=(env)
if [ -n "${SANITIZED:-}" ]; then
  foreign=(env "LD_PRELOAD=$(gcc -print-file-name=libasan.so):$(gcc -print-file-name=libubsan.so)" ASAN_OPTIONS=detect_leaks=0)
fi
shell() { # file sql : with the extension
  "${foreign[@]}" sqlite3 -batch "$1" -cmd ".load $extension" -cmd 'PRAGMA foreign_keys = ON' "$2" 2>&1
}
plain() { "${foreign[@]}" sqlite3 -batch "$1" -cmd 'PRAGMA foreign_keys = ON' "$2" 2>&1; } # without it
accept() { # title sql wanted
  is "$1" "$(shell "$file" "$2")" "${3:-}"
}
refuse() { # title sql pattern [shell|plain] : and nothing is changed
  local before after seen
  before=$(plain "$file" .dump | sha256sum)
  seen=$("${4:-shell}" "$file" "$2")
  after=$(plain "$file" .dump | sha256sum)
  like "refused: $1" "$seen" "$3"
  is "refused: $1: nothing is changed" "$after" "$before"
}
for schema in full elon wallstreet advancia smarthub pe_portal; do
  "$LEDGER" init "$work/$schema.db" --schema=$schema >/dev/null || tap_no "init $schema"
done

# ---- full, by the sqlite3 shell
file=$work/full.db
user=00000000-0000-4000-8000-000000000001
account=00000000-0000-4000-8000-000000000002
one="'$user'"
accept "insert with the generated columns' values" \
  "INSERT INTO users(id, email, password_hash, first_name, name, is_active) VALUES ($one, 'ada@example.com', '!', 'Ada', 'Ada', 1)"
accept "defaults: constants, uuid, now" \
  "INSERT INTO users(email, password_hash, is_active) VALUES ('bob@example.com', '!', 1)
   RETURNING status, length(id), substr(id, 15, 1), created_at GLOB '20??-??-?? ??:??:??*+00:00', email_verified" 'active|36|4|1|0'
refuse "a generated column without its value" \
  "INSERT INTO users(email, password_hash) VALUES ('c@example.com', '!')" 'CHECK constraint failed: is_active'
refuse "a generated column with another value" \
  "INSERT INTO users(email, password_hash, first_name, name, is_active) VALUES ('c@example.com', '!', 'C', 'D', 1)" 'CHECK constraint failed: name'
refuse "an update that leaves a generated column behind" "UPDATE users SET status = 'closed' WHERE id = $one" 'CHECK constraint failed: is_active'
accept "an update with the generated column" "UPDATE users SET status = 'closed', is_active = 0 WHERE id = $one RETURNING is_active" 0
refuse "a CHECK with a regular expression" "UPDATE users SET email = 'no address' WHERE id = $one" 'CHECK constraint failed: ck_users_email_format'
refuse "UNIQUE" "UPDATE users SET email = 'bob@example.com' WHERE id = $one" 'UNIQUE constraint failed: users.email'
refuse "NOT NULL" "UPDATE users SET email = NULL WHERE id = $one" 'NOT NULL constraint failed: users.email'
refuse "varchar(n)" "UPDATE users SET username = printf('%.*c', 101, 'x') WHERE id = $one" 'CHECK constraint failed: length\("username"\) <= 100'
refuse "uuid" "INSERT INTO user_roles(user_id, role_id) VALUES ('x', 'y')" 'CHECK constraint failed: user_id'
refuse "boolean" "UPDATE users SET email_verified = 2 WHERE id = $one" 'CHECK constraint failed: email_verified'
refuse "timestamp" "UPDATE users SET last_login_at = '2026-02-30 10:00:00+00:00' WHERE id = $one" 'CHECK constraint failed: '
refuse "a blob in a text column" "UPDATE users SET two_factor_secret = x'00' WHERE id = $one" 'CHECK constraint failed: typeof'
refuse "a foreign key" "INSERT INTO accounts(user_id, account_number, account_type) VALUES ('00000000-0000-4000-8000-00000000dead', 'N', 'checking')" \
  'FOREIGN KEY constraint failed'
accept "insert of money" \
  "INSERT INTO accounts(id, user_id, account_number, account_type, balance, available_balance) VALUES ('$account', $one, 'N1', 'checking', '1234567890123.45', '0.50')"
for wrong in 12.5 "'12.5'" "'1e2'" "'-0.00'" "'99999999999999.00'" "'NaN'" "''" "x'31'"; do
  refuse "numeric(15,2) from $wrong" "UPDATE accounts SET balance = $wrong WHERE id = '$account'" 'CHECK constraint failed: (CAST\("balance"|.*"balance")'
done
refuse "a CHECK of the schema on another regular expression" "UPDATE accounts SET currency = 'eur' WHERE id = '$account'" 'CHECK constraint failed: ck_accounts_currency'
accept "money is compared as a number" "SELECT count(*) FROM accounts WHERE balance > '999.99' AND available_balance < '1.00'" 1
refuse "a numeric CHECK" \
  "INSERT INTO transactions(account_id, transaction_type, amount) VALUES ('$account', 'deposit', '0.00')" 'CHECK constraint failed: ck_transactions_amount'
accept "insert that a numeric CHECK accepts, jsonb's default" \
  "INSERT INTO transactions(account_id, transaction_type, amount, status, reference_number) VALUES ('$account', 'deposit', '0.01', 'completed', 'R1') RETURNING metadata" '{}'
refuse "a trigger's RAISE on update" "UPDATE transactions SET amount = '5.00'" '23001: a completed or failed transaction is final'
refuse "a trigger's RAISE on delete" "DELETE FROM transactions" '23001: a completed or failed transaction is final'
accept "a view" "SELECT account_number, balance, transaction_count FROM account_summaries" 'N1|1234567890123.45|1'
accept "audit rows are added, NULL documents among them" \
  "INSERT INTO audit_logs(action, entity_type, ip_address, details) VALUES ('login', 'user', '10.0.0.1', NULL)"
refuse "audit rows are immutable: update" "UPDATE audit_logs SET action = 'x'" '23001: audit rows are immutable'
refuse "audit rows are immutable: delete" "DELETE FROM audit_logs" '23001: audit rows are immutable'
refuse "inet" "INSERT INTO audit_logs(action, entity_type, ip_address) VALUES ('a', 'b', 'localhost')" 'CHECK constraint failed: ip_address'
refuse "an enum" "INSERT INTO ai_command_logs(user_id, model, input, status) VALUES ($one, 'm', '{}', 'LOST')" 'CHECK constraint failed: status'
refuse "jsonb" "INSERT INTO ai_command_logs(user_id, model, input) VALUES ($one, 'm', '{')" 'CHECK constraint failed: .*json_valid'
accept "jsonb as it is stored" "INSERT INTO ai_command_logs(user_id, model, input) VALUES ($one, 'm', '{\"a\": 1.50, \"bb\": [1, 2]}')"
accept "an array" "INSERT INTO webhooks(user_id, url, events, secret) VALUES ($one, 'https://x', '[\"a\", null, \"b,c\"]', 's')"
refuse "not an array" "INSERT INTO webhooks(user_id, url, events, secret) VALUES ($one, 'https://x', '{}', 's')" 'CHECK constraint failed: .*"events" GLOB'
accept "rows in user_settings" "INSERT INTO user_settings(user_id, updated_at) VALUES ($one, '2020-01-01 00:00:00+00:00')"
accept "updated_at follows an update" "UPDATE user_settings SET theme = 'light' WHERE user_id = $one; SELECT updated_at > '2026' FROM user_settings WHERE user_id = $one" 1
accept "unless the writer sets it" "UPDATE user_settings SET theme = 'auto', updated_at = '2021-01-01 00:00:00+00:00' WHERE user_id = $one;
  SELECT updated_at FROM user_settings WHERE user_id = $one" '2021-01-01 00:00:00+00:00'
accept "delete" "DELETE FROM user_settings WHERE user_id = $one RETURNING theme" auto
accept "upsert" "INSERT INTO contacts(id, email, message) VALUES ($one, 'a', 'b'); INSERT INTO contacts(id, email, message) VALUES ($one, 'a', 'c')
  ON CONFLICT (id) DO UPDATE SET message = excluded.message; SELECT message FROM contacts" c
accept "the extension twice" "SELECT load_extension('$extension') IS NULL, ledger_extension() <> ''" '1|1'
is "the program reads what they wrote" "$("$LEDGER" get "$file" accounts 'select=account_number,balance,currency')" \
  '[{"account_number":"N1","balance":1234567890123.45,"currency":"USD"}]'
is "arrays and documents too" "$("$LEDGER" get "$file" webhooks 'select=events')$("$LEDGER" get "$file" ai_command_logs 'select=input')" \
  '[{"events":["a",null,"b,c"]}][{"input":{"a": 1.50, "bb": [1, 2]}}]'

# ---- serial and identity, shared with the engine's own
file=$work/elon.db
accept "serial" "INSERT INTO users(name, email, password_hash) VALUES ('a', 'a@b.co', '!'), ('b', 'b@b.co', '!') RETURNING id" $'1\n2'
is "the engine goes on from there" \
  "$(echo '{"table":"users","row":{"name":"c","email":"c@b.co","password_hash":"!"}}' | "$LEDGER" load "$file" 2>/dev/null | grep -o '"id":[0-9]*')" '"id":3'
accept "and the foreign writer after it" "INSERT INTO users(name, email, password_hash) VALUES ('d', 'd@b.co', '!') RETURNING id" 4
accept "identity" "INSERT INTO user_settings(user_id) VALUES (1) RETURNING id" 1
refuse "a row that fails takes no value" "INSERT INTO users(name, email, password_hash) VALUES ('e', 'd@b.co', '!')" 'UNIQUE constraint failed'
accept "nextval by hand, and in a transaction that is undone" \
  "BEGIN; SELECT pg_nextval('users_id_seq'); ROLLBACK; SELECT pg_nextval('users_id_seq'); SELECT pg_nextval('users_id_seq')" $'5\n5\n6'
refuse "a sequence that is not there" "SELECT pg_nextval('none')" '42P01: relation "none" does not exist'

# ---- the others
file=$work/smarthub.db
accept "smarthub: its e-mail CHECK holds" "INSERT INTO users(email, username, password_hash) VALUES ('A@EXAMPLE.COM', 'a', '!') RETURNING is_active" 1
refuse "smarthub: an e-mail" "INSERT INTO users(email, username, password_hash) VALUES ('nobody', 'b', '!')" 'CHECK constraint failed: email_format'
file=$work/wallstreet.db
accept "wallstreet: a user" "INSERT INTO users(email, password_hash, first_name, last_name, updated_at) VALUES ('a@b.co', '!', 'A', 'B', '2020-01-01 00:00:00') RETURNING role IS NOT NULL" 1
accept "wallstreet: updated_at" "UPDATE users SET first_name = 'C' WHERE email = 'a@b.co'; SELECT updated_at > '2026' FROM users WHERE email = 'a@b.co'" 1
file=$work/pe_portal.db
accept "pe_portal: audit rows" "INSERT INTO audit_logs(action) VALUES ('a') RETURNING action" a
refuse "pe_portal: audit rows are immutable" "DELETE FROM audit_logs" '23001: audit_logs is immutable'
file=$work/advancia.db
accept "advancia: a user" "INSERT INTO users(id, email) VALUES ('u1', 'a@b.co')"
refuse "advancia: a key without its default" "INSERT INTO crypto_withdrawals(user_id, amount, currency) VALUES ('u1', '1.00000000', 'BTC')" 'NOT NULL constraint failed: crypto_withdrawals.id'

# ---- a schema with defaults and generated columns that need our functions
cat >"$work/own.sql" <<'SQL'
CREATE TABLE item (
  id smallserial PRIMARY KEY,
  price numeric(10,2) NOT NULL,
  amount integer NOT NULL DEFAULT 1,
  total numeric(12,2) GENERATED ALWAYS AS (price * amount) STORED,
  token text DEFAULT md5('x'),
  due timestamptz DEFAULT (now() + interval '7 days'),
  CHECK (price * amount < 1000.00)
);
CREATE VIEW sums AS SELECT sum(total) AS total, count(*) AS items FROM item;
SQL
file=$work/own.db
status "init a schema of one's own" 0 "$LEDGER" init "$file" --schema="$work/own.sql"
accept "defaults by our functions" "INSERT INTO item(price, total) VALUES ('2.50', '2.50') RETURNING id, token, due > datetime('now', '+6 days')" \
  '1|9dd4e461268c8034f5c8564e155c67a6|1'
refuse "a generated column of money" "INSERT INTO item(price, amount, total) VALUES ('2.50', 3, '7.49')" 'CHECK constraint failed: total'
accept "with its value" "INSERT INTO item(price, amount, total) VALUES ('2.50', 3, '7.50')"
refuse "a CHECK of exact arithmetic" "INSERT INTO item(price, amount, total) VALUES ('999.99', 2, '1999.98')" 'CHECK constraint failed: item_check'
accept "a view that computes" "SELECT total, items FROM sums" '10.00|2'
accept "a sequence's end" "UPDATE ledger_sequence SET last_value = 32766" ''
accept "its last value" "INSERT INTO item(price, total) VALUES ('1.00', '1.00') RETURNING id" 32767
refuse "none after it" "INSERT INTO item(price, total) VALUES ('1.00', '1.00')" '2200H: nextval: reached maximum value of sequence "item_id_seq" \(32767\)'

# ---- to PostgreSQL
if [ -n "${PGHOST:-}" ]; then
  for schema in full elon wallstreet smarthub pe_portal own; do
    database=extension_$schema
    psql -Xq -d postgres -c "DROP DATABASE IF EXISTS $database" -c "CREATE DATABASE $database TEMPLATE template0" 2>/dev/null
    "$LEDGER" export "$work/$schema.db" --full >"$work/script.sql" 2>"$work/problem" &&
      psql -Xq -v ON_ERROR_STOP=1 -d $database -f "$work/script.sql" >/dev/null 2>>"$work/problem"
    is "$schema: exported into PostgreSQL" "$? $(cat "$work/problem")" "0 "
    is "$schema: the digests are equal" "$(psql -XAtq -d $database -c 'SELECT * FROM ledger_sync.digest()' 2>&1)" "$("$LEDGER" digest "$work/$schema.db")"
    psql -Xq -d postgres -c "DROP DATABASE IF EXISTS $database" 2>/dev/null
  done
else
  tap_ok "the export into PostgreSQL # SKIP no server: tests/lib/postgres.sh starts one"
fi

# ---- what only a foreign writer can store: found at the export, with its place
cp "$work/full.db" "$work/odd.db"
file=$work/odd.db
accept "a document that is not in jsonb's form" "UPDATE ai_command_logs SET input = '{\"bb\":2,\"a\":1, \"a\":3}'"
is "it is read as jsonb" "$("$LEDGER" get "$file" ai_command_logs 'select=input')" '[{"input":{"a": 3, "bb": 2}}]'
accept "a NUL in a text" "UPDATE contacts SET message = 'a' || char(0) || 'b'"
status "a NUL is refused by the export" 1 "$LEDGER" export "$file" --full
like "with its table, column and row" "$PROBLEM" 'contacts.*message.*\[22021\]'
accept "broken UTF-8" "UPDATE contacts SET message = CAST(x'61ff62' AS TEXT)"
status "broken UTF-8 is refused by the export" 1 "$LEDGER" export "$file" --full
like "with its table, column and row" "$PROBLEM" 'contacts.*message.*\[22021\]'

# ---- without the extension
file=$work/full.db
is "every table can be read" "$(plain "$file" "SELECT count(*) FROM accounts; SELECT balance FROM accounts; SELECT email FROM users WHERE id = $one")" \
  $'1\n1234567890123.45\nada@example.com'
is "a table whose checks are SQLite's own can be written" \
  "$(plain "$file" "INSERT INTO contacts(email, message) VALUES ('x', 'y'); SELECT count(*) FROM contacts")" 2
refuse "a CHECK that calls a function (Debian's shell 3.40.1 crashes where it should show the error)" \
  "INSERT INTO users(email, password_hash, is_active) VALUES ('x@example.com', '!', 1)" '^$|(no such|unknown) function: pg_textregexeq' plain
refuse "a CHECK that compares money" "INSERT INTO trades(user_id, trade_type, asset, amount, price) SELECT $one, 'buy', 'BTC', '1.00000000', '1.00'" \
  '(no such collation sequence: pg_decimal|(no such|unknown) function)' plain
refuse "a comparison of money" "SELECT 1 FROM accounts WHERE balance > '1.00'" 'no such collation sequence: pg_decimal' plain
file=$work/elon.db
refuse "a serial column" "INSERT INTO users(name, email, password_hash) VALUES ('x', 'x@b.co', '!')" \
  '(unknown function: pg_nextval|no such collation sequence)' plain
file=$work/own.db
refuse "a view that computes" "SELECT * FROM sums" 'no such (function|collation)' plain

# ---- Python
python=/usr/bin/python3
cat >"$work/writable.py" <<'PYTHON'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
def is_writable(table):
    try:
        return not any("pg_" in str(step) for step in db.execute(f'EXPLAIN INSERT INTO "{table}" DEFAULT VALUES'))
    except sqlite3.OperationalError:
        return False
tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'ledger%' ORDER BY name").fetchall()
print(*(table for table, in tables if not is_writable(table)))
PYTHON
is "full's tables that cannot be written without the extension" "$($python "$work/writable.py" "$work/full.db" 2>&1)" \
  'accounts crypto_withdrawals deposit_addresses exchange_rates fee_config portfolio portfolio_transactions price_history trades transactions users'
is "pe_portal's" "$($python "$work/writable.py" "$work/pe_portal.db" 2>&1)" ''
if [ -x $python ] && $python -c 'import sqlite3; sqlite3.Connection.enable_load_extension' 2>/dev/null; then
  cat >"$work/try.py" <<'PYTHON'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.enable_load_extension(True)
db.load_extension(sys.argv[2])
db.execute("PRAGMA foreign_keys = ON")
db.execute("BEGIN")
db.execute("INSERT INTO users(email, password_hash, is_active) VALUES (?, '!', 1)", ("py@example.com",))
db.execute("COMMIT")
print(db.execute("SELECT status FROM users WHERE email = 'py@example.com'").fetchone()[0])
try:
    db.execute("INSERT INTO users(email, password_hash, is_active) VALUES ('nothing', '!', 1)")
except sqlite3.IntegrityError as error:
    print(error)
try:
    db.execute("DELETE FROM audit_logs")
except sqlite3.IntegrityError as error:
    print(error)
print(db.execute("SELECT transaction_count FROM account_summaries").fetchone()[0])
bare = sqlite3.connect(sys.argv[1])
try:
    bare.execute("INSERT INTO users(email, password_hash, is_active) VALUES ('x@example.com', '!', 1)")
except sqlite3.OperationalError as error:
    print(error)
bare.close()
for i in range(50):  # connections come and go, each with its session
    other = sqlite3.connect(sys.argv[1])
    other.enable_load_extension(True)
    other.load_extension(sys.argv[2])
    assert other.execute("SELECT pg_numeric_add('1.50', '2')").fetchone()[0] == "3.50"
    other.close()
PYTHON
  is "Python" "$("${foreign[@]}" $python "$work/try.py" "$work/full.db" "$extension" 2>&1)" \
    $'active\nCHECK constraint failed: ck_users_email_format\n23001: audit rows are immutable\n1\nunknown function: pg_textregexeq()'
else
  tap_ok "Python # SKIP $python is not there, or without enable_load_extension"
fi

# ---- better-sqlite3, where it installs from a prebuilt binary
if command -v node >/dev/null && command -v npm >/dev/null; then
  if (mkdir "$work/node" && cd "$work/node" && timeout 120 env npm_config_build_from_source=false CC=false CXX=false \
      npm install --loglevel=error --no-audit --no-fund --prefix . better-sqlite3@12.11.1) >"$work/npm.log" 2>&1 &&
    (cd "$work/node" && node -e "new (require('better-sqlite3'))(':memory:')") >>"$work/npm.log" 2>&1; then
    cat >"$work/node/try.js" <<'NODE'
const db = new (require('better-sqlite3'))(process.argv[2]);
db.loadExtension(process.argv[3]);
db.pragma('foreign_keys = ON');
db.prepare("INSERT INTO users(email, password_hash, is_active) VALUES (?, '!', 1)").run('js@example.com');
console.log(db.prepare("SELECT status FROM users WHERE email = 'js@example.com'").get().status);
try { db.prepare("DELETE FROM audit_logs").run(); } catch (error) { console.log(error.message); }
NODE
    is "better-sqlite3" "$(cd "$work/node" && "${foreign[@]}" node try.js "$work/full.db" "$extension" 2>&1)" $'active\n23001: audit rows are immutable'
  else
    tap_ok "better-sqlite3 # SKIP there is no prebuilt binary to download: $(grep -m 1 -E 'command failed|code E' "$work/npm.log")"
  fi
else
  tap_ok "better-sqlite3 # SKIP node and npm are not installed"
fi

for schema in full elon wallstreet advancia smarthub pe_portal own; do
  is "$schema: every check holds for what is stored" "$(shell "$work/$schema.db" 'PRAGMA integrity_check; PRAGMA foreign_key_check')" ok
done
tap_end
