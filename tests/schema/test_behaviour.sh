#!/bin/bash
# What the triggers, checks and policies of full, and the mended ones of the systems, do in a real
# PostgreSQL: statements with the SQLSTATE or the result that they must have.
#
# Takes the server from the PG* variables, as a superuser. Makes three databases and drops them.
set -eu -o pipefail

here=$(cd "$(dirname "$0")" && pwd)
schema=$here/../../schema
prefix=ledger_behaviour_$$
passed=0
failed=0
database=

export PGOPTIONS='-c client_min_messages=warning'

clean() {
  for name in full advancia pe_portal; do
    psql -X -q -d postgres -c "DROP DATABASE IF EXISTS ${prefix}_$name" || true
  done
}
trap clean EXIT

# use NAME FILE...: a new database with the files in it becomes the one that is asked.
use() {
  local file
  database=${prefix}_$1
  shift
  psql -X -q -d postgres -c "CREATE DATABASE $database TEMPLATE template0"
  for file in "$@"; do psql -X -q -v ON_ERROR_STOP=1 -d "$database" -f "$file" >/dev/null; done
}

# expect NAME RESULT SQL: RESULT is the last statement's rows on one line, or the SQLSTATE of the
# first error.
expect() {
  local result
  result=$(printf '\\set VERBOSITY sqlstate\n%s\n' "$3" |
    psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$database" 2>&1 |
    sed -n 's/^.*ERROR:  //; /./p' | paste -s -d ' ') || true
  if [ "$result" = "$2" ]; then
    passed=$((passed + 1))
    echo "ok $((passed + failed)) - $1"
  else
    failed=$((failed + 1))
    echo "not ok $((passed + failed)) - $1"
    echo "#   expected: $2"
    echo "#   got:      $result"
  fi
}

# as ROLE [USER]: what goes before a statement to ask it as that role, with that user's claims.
as() { echo "SET ROLE $1; SET request.jwt.claims = '{\"role\": \"$1\"${2:+, \"sub\": \"$2\"}}';"; }

ada=11111111-1111-4111-8111-111111111111
bob=22222222-2222-4222-8222-222222222222

use full "$schema"/full/*.sql
psql -X -q -v ON_ERROR_STOP=1 -d "$database" <<SQL
INSERT INTO users (id, email, password_hash, first_name, last_name) VALUES
  ('$ada', 'ada@example.com', '!', 'Ada', 'Lovelace'), ('$bob', 'bob@example.com', '!', 'Bob', NULL);
INSERT INTO accounts (id, user_id, account_number, account_type) VALUES
  ('aaaaaaaa-0000-4000-8000-000000000001', '$ada', 'WS000000000001', 'checking'),
  ('aaaaaaaa-0000-4000-8000-000000000002', '$bob', 'WS000000000002', 'savings');
INSERT INTO transactions (account_id, transaction_type, amount, status, reference_number) VALUES
  ('aaaaaaaa-0000-4000-8000-000000000001', 'deposit', 10, 'completed', 'R1'),
  ('aaaaaaaa-0000-4000-8000-000000000001', 'deposit', 20, 'pending', 'R2'),
  ('aaaaaaaa-0000-4000-8000-000000000002', 'deposit', 30, 'pending', 'R3');
INSERT INTO audit_logs (user_id, action) VALUES ('$bob', 'LOGIN_SUCCESS');
INSERT INTO notifications (user_id, message) VALUES ('$ada', 'a'), ('$bob', 'b');
INSERT INTO deposit_addresses (user_id, crypto_type, address) VALUES ('$ada', 'BTC', 'bc1qa');
SQL
admin_id=$(psql -X -q -A -t -d "$database" -c "SELECT id FROM users WHERE username = 'admin'")

# ---- columns, checks, keys

expect "name joins first and last" "Ada Lovelace Admin User Bob" \
  "SELECT name FROM users ORDER BY email"
expect "who is suspended is not active" "f" \
  "UPDATE users SET status = 'suspended' WHERE id = '$ada'; SELECT is_active FROM users WHERE id = '$ada'"
expect "nor is one who left" "f" \
  "UPDATE users SET status = 'active', deleted_at = now() WHERE id = '$ada';
   SELECT is_active FROM users WHERE id = '$ada'"
expect "and who came back is" "t" \
  "UPDATE users SET deleted_at = NULL WHERE id = '$ada'; SELECT is_active FROM users WHERE id = '$ada'"
expect "is_active cannot be written" 428C9 "UPDATE users SET is_active = true"
expect "an address with a vertical bar is refused" 23514 \
  "INSERT INTO users (email, password_hash) VALUES ('a@b.c|m', '!')"
expect "one address per user and coin" 23505 \
  "INSERT INTO deposit_addresses (user_id, crypto_type, address) VALUES ('$ada', 'BTC', 'bc1qb')"
expect "an amount is positive" 23514 \
  "INSERT INTO transactions (account_id, transaction_type, amount)
   VALUES ('aaaaaaaa-0000-4000-8000-000000000001', 'deposit', 0)"
expect "one rate per pair and time" 23505 \
  "INSERT INTO exchange_rates (from_currency, to_currency, rate, quoted_at) VALUES
     ('EUR', 'USD', 1.1, '2026-01-01Z'), ('EUR', 'USD', 1.2, '2026-01-01Z')"
expect "a key that is not hashed is refused" 23514 \
  "INSERT INTO api_keys (user_id, key_hash) VALUES ('$ada', 'secret')"

# ---- triggers

expect "updated_at is set" t \
  "UPDATE accounts SET status = 'frozen'; UPDATE accounts SET status = 'active';
   SELECT bool_and(updated_at > created_at) FROM accounts"
expect "a completed transaction keeps its amount" 23001 \
  "UPDATE transactions SET amount = 11 WHERE reference_number = 'R1'"
expect "and its status" 23001 \
  "UPDATE transactions SET status = 'pending' WHERE reference_number = 'R1'"
expect "but takes a description" "d" \
  "UPDATE transactions SET description = 'd' WHERE reference_number = 'R1';
   SELECT description FROM transactions WHERE reference_number = 'R1'"
expect "it cannot be deleted" 23001 "DELETE FROM transactions WHERE reference_number = 'R1'"
expect "a pending one completes, with another amount" "19.00 completed" \
  "UPDATE transactions SET amount = 19, status = 'completed' WHERE reference_number = 'R2';
   SELECT amount || ' ' || status FROM transactions WHERE reference_number = 'R2'"
expect "an account with transactions cannot be deleted" 23503 "DELETE FROM accounts"
expect "a user with an account cannot be deleted" 23503 "DELETE FROM users WHERE id = '$bob'"
expect "an audit row cannot change" 23001 "UPDATE audit_logs SET action = 'X'"
expect "nor its actor" 23001 "UPDATE audit_logs SET user_id = '$ada'"
expect "nor go" 23001 "DELETE FROM audit_logs"
expect "it loses an actor who is deleted" "1" \
  "INSERT INTO users (id, email, password_hash) VALUES ('33333333-3333-4333-8333-333333333333', 'c@example.com', '!');
   INSERT INTO audit_logs (user_id, action) VALUES ('33333333-3333-4333-8333-333333333333', 'GONE');
   DELETE FROM users WHERE email = 'c@example.com';
   SELECT count(*) FROM audit_logs WHERE action = 'GONE' AND user_id IS NULL"

# ---- policies

expect "nobody is seen by the anonymous" 0 "$(as anon) SELECT count(*) FROM users"
expect "nor by a user without claims" 0 "$(as authenticated) SELECT count(*) FROM users"
expect "a user sees one user" "$ada" "$(as authenticated $ada) SELECT id FROM users"
expect "an administrator sees all" 3 "$(as authenticated "$admin_id") SELECT count(*) FROM users"
expect "service_role too" 3 "$(as service_role) SELECT count(*) FROM users"
expect "a user cannot change the own status" 0 \
  "$(as authenticated $ada) WITH u AS (UPDATE users SET status = 'active' RETURNING 1) SELECT count(*) FROM u"
expect "a user sees the own account" 1 "$(as authenticated $ada) SELECT count(*) FROM accounts"
expect "and its transactions" 2 "$(as authenticated $ada) SELECT count(*) FROM transactions"
expect "and its summary" "WS000000000001 2" \
  "$(as authenticated $ada) SELECT account_number || ' ' || transaction_count FROM account_summaries"
expect "a user cannot make money" 42501 \
  "$(as authenticated $ada) INSERT INTO transactions (account_id, transaction_type, amount)
   VALUES ('aaaaaaaa-0000-4000-8000-000000000001', 'deposit', 1)"
expect "nor an API key" 42501 \
  "$(as authenticated $ada) INSERT INTO api_keys (user_id, key_hash) VALUES ('$ada', repeat('0', 64))"
expect "nor a role" 42501 \
  "$(as authenticated $ada) INSERT INTO user_roles (user_id, role_id) SELECT '$ada', id FROM roles WHERE name = 'admin'"
expect "settings are the user's own" 42501 \
  "$(as authenticated $ada) INSERT INTO user_settings (user_id) VALUES ('$bob')"
expect "and free" light \
  "$(as authenticated $ada) INSERT INTO user_settings (user_id, theme) VALUES ('$ada', 'light');
   SELECT theme FROM user_settings"
expect "a user hands documents in" pending \
  "$(as authenticated $ada) INSERT INTO user_kyc (user_id) VALUES ('$ada');
   SELECT verification_status FROM user_kyc"
expect "but gives no verdict" 42501 \
  "$(as authenticated $ada) UPDATE user_kyc SET verification_status = 'verified'"
expect "an administrator does" verified \
  "$(as authenticated "$admin_id") UPDATE user_kyc SET verification_status = 'verified', verified_at = now();
   SELECT verification_status FROM user_kyc"
expect "a notification is marked as read" 1 \
  "$(as authenticated $ada) UPDATE notifications SET is_read = true; RESET ROLE;
   SELECT count(*) FROM notifications WHERE is_read"
expect "and not deleted" 2 \
  "$(as authenticated $ada) DELETE FROM notifications; RESET ROLE; SELECT count(*) FROM notifications"
expect "a command is logged" 1 \
  "$(as authenticated $ada) INSERT INTO ai_command_logs (user_id, model, input) VALUES ('$ada', 'm', '{}');
   UPDATE ai_command_logs SET model = 'x'; DELETE FROM ai_command_logs;
   SELECT count(*) FROM ai_command_logs WHERE model = 'm'"
expect "a withdrawal is asked for" PENDING \
  "$(as authenticated $ada) INSERT INTO crypto_withdrawals (user_id, amount, currency) VALUES ('$ada', 100.5, 'USDC');
   SELECT status FROM crypto_withdrawals"
expect "and not granted" 42501 \
  "$(as authenticated $ada) INSERT INTO crypto_withdrawals (user_id, amount, currency, status) VALUES ('$ada', 1, 'BTC', 'APPROVED')"
expect "memory is the user's own, in all four ways" 0 \
  "$(as authenticated $ada) INSERT INTO vector_memory (user_id, embedding) VALUES ('$ada', '[1]');
   UPDATE vector_memory SET context = 'c'; DELETE FROM vector_memory; RESET ROLE; SELECT count(*) FROM vector_memory"
expect "fees are read by all who are logged in" 3 "$(as authenticated $ada) SELECT count(*) FROM fee_config"
expect "and changed by an administrator" 42501 \
  "$(as authenticated $ada) INSERT INTO fee_config (fee_type) VALUES ('trading')"
expect "who may" 4 \
  "$(as authenticated "$admin_id") INSERT INTO fee_config (fee_type) VALUES ('trading'); SELECT count(*) FROM fee_config"
expect "anybody may write to us" 1 \
  "$(as anon) INSERT INTO contacts (email, message) VALUES ('x@example.com', 'm'); RESET ROLE; SELECT count(*) FROM contacts"
expect "and not read it" 0 "$(as anon) SELECT count(*) FROM contacts"
expect "an audit row is not written by a user" 42501 \
  "$(as authenticated $ada) INSERT INTO audit_logs (user_id, action) VALUES ('$ada', 'X')"
expect "TRUNCATE asks no policy and is not granted" 42501 "$(as authenticated $ada) TRUNCATE contacts"

# ---- what the systems' files mend

use advancia "$schema/systems/advancia.sql"
expect "advancia: a TEXT key meets auth.uid()" 1 \
  "INSERT INTO users (id, email) VALUES ('$ada', 'a@example.com'), ('$bob', 'b@example.com');
   INSERT INTO notifications (id, user_id, type, message) VALUES
     (gen_random_uuid(), '$ada', 't', 'm'), (gen_random_uuid(), '$bob', 't', 'm');
   $(as authenticated $ada) UPDATE notifications SET read = true; RESET ROLE;
   SELECT count(*) FROM notifications WHERE read"

use pe_portal "$schema/systems/pe_portal.sql"
expect "pe_portal: an audit row cannot change" 23001 \
  "INSERT INTO audit_logs (action) VALUES ('LOGIN'); UPDATE audit_logs SET user_id = NULL"
expect "pe_portal: nor go" 23001 "DELETE FROM audit_logs"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
