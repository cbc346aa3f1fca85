#!/usr/bin/env bash
# ledger user, key and role as the owner of a file uses them: each once for good, then what is refused: a clear line, an exit status.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
: "${OUT:=build}" "${LEDGER:=$PWD/$OUT/ledger}"
work=$TAP_WORK
trap 'rm -rf "$work"' EXIT
export LC_ALL=C.UTF-8
unset LEDGER_FILE LEDGER_ACTOR
file=$work/app.db
get() { "$LEDGER" get "$file" "$@"; }

# ---- help
for command in user\ {create,list,show,update,password,ban,unban,delete} key\ {create,list,revoke,jwt,rotate} role\ {list,grant,revoke}; do
  # shellcheck disable=SC2086
  status "help $command" 0 "$LEDGER" help $command
  like "help $command has its usage" "$SEEN" "^usage: ledger $command FILE"
done
status "user alone" 2 "$LEDGER" user
like "says which there are" "$PROBLEM" '^  ledger user create '

# ---- a file whose administrator has no password
status "init" 0 "$LEDGER" init "$file"
like "says how to set the administrator's password" "$SEEN" "ledger user password $file admin@ledger\.local"
status "a password for it" 0 "$LEDGER" user password "$file" admin@ledger.local <<<"correct horse battery"
status "user show" 0 "$LEDGER" user show "$file" admin@ledger.local
like "it has one" "$SEEN" '^password +set$'
like "and the role" "$SEEN" '^roles +\["admin"\]$'
like "no hash is shown" "$(grep -c argon <<<"$SEEN")" '^0$'
status "init of wallstreet" 0 "$LEDGER" init "$work/wallstreet.db" --schema=wallstreet
like "says that its password is published" "$SEEN" 'admin@wallstreet\.com'

# ---- create
status "user create" 0 "$LEDGER" user create "$file" Ada@Example.com --role=viewer --phone='+1 415 555 0100' \
  --metadata='{"first_name":"Ada","last_name":"Lovelace"}' --json <<<"correct horse"
id=$(grep -oE '[0-9a-f]{8}-[0-9a-f-]{27}' <<<"$SEEN" | head -n 1)
like "as JSON: the address in small letters" "$SEEN" '"email":[[:space:]]*"ada@example\.com"'
like "the number" "$SEEN" '"phone":[[:space:]]*"14155550100"'
like "the roles" "$SEEN" '"roles":[[:space:]]*\["user","viewer"\]'
like "the password" "$SEEN" '"has_password":[[:space:]]*true'
like "confirmed" "$SEEN" '"email_confirmed_at":[[:space:]]*"20'
is "the names are in their columns" "$(get users "select=name&id=eq.$id")" '[{"name":"Ada Lovelace"}]'
is "settings" "$(get user_settings "select=theme,language&user_id=eq.$id")" '[{"theme":"dark","language":"en"}]'
is "verification" "$(get user_kyc "select=verification_status&user_id=eq.$id")" '[{"verification_status":"pending"}]'
like "an Argon2id hash" "$(get users "select=password_hash&id=eq.$id")" 'argon2id\$v=19\$m=19456,t=2,p=1\$'
status "without a password" 0 "$LEDGER" user create "$file" bob@example.com --no-password </dev/null
like "says so" "$SEEN" '^password +none$'
status "the same address again" 1 "$LEDGER" user create "$file" ada@example.com <<<"correct horse"
like "is one line with its SQLSTATE" "$PROBLEM" '^ledger user create: ada@example\.com: another user has the address \[LA007\]$'
status "no address" 1 "$LEDGER" user create "$file" nonsense <<<"correct horse"
like "22023" "$PROBLEM" '\[22023\]$'
status "a short password" 1 "$LEDGER" user create "$file" c@example.com <<<"short"
like "LA005" "$PROBLEM" '\[LA005\]$'
status "no password" 2 "$LEDGER" user create "$file" c@example.com </dev/null
status "a role that is none" 1 "$LEDGER" user create "$file" c@example.com --role=king <<<"correct horse"
like "42704" "$PROBLEM" '\[42704\]'
is "leaves no user" "$(get users 'select=id&email=eq.c@example.com')" '[]'
status "metadata that is none" 1 "$LEDGER" user create "$file" c@example.com --metadata='[1]' <<<"correct horse"
status "no file" 2 "$LEDGER" user create "$work/none.db" c@example.com <<<"correct horse"
status "a password with a carriage return behind it" 0 "$LEDGER" user create "$file" win@example.com <<<$'correct horse\r'

# ---- list and show
status "user list" 0 "$LEDGER" user list "$file"
is "a line for each, and a head" "$(wc -l <<<"$SEEN")" 5
like "with its state" "$SEEN" 'bob@example\.com +no password'
status "user list --json" 0 "$LEDGER" user list "$file" --json
is "an array of all" "$(grep -c '"id"' <<<"$SEEN")" 4
status "user show by id" 0 "$LEDGER" user show "$file" "$id"
status "user show of nobody" 1 "$LEDGER" user show "$file" nobody@example.com
like "LA008" "$PROBLEM" '\[LA008\]$'

# ---- update
status "user update" 0 "$LEDGER" user update "$file" ada@example.com --metadata='{"last_name":"King","x":1.50}' --app-metadata='{"plan":"pro"}' --json
like "metadata merged" "$SEEN" '"user_metadata":[[:space:]]*\{"first_name":"Ada","last_name":"King","x":1\.50\}'
is "names follow" "$(get users "select=name&id=eq.$id")" '[{"name":"Ada King"}]'
status "another address" 0 "$LEDGER" user update "$file" ada@example.com --email=ada@lovelace.org
status "by which the user is found" 0 "$LEDGER" user show "$file" ada@lovelace.org
status "an address that somebody has" 1 "$LEDGER" user update "$file" bob@example.com --email=ada@lovelace.org
status "nothing to change" 2 "$LEDGER" user update "$file" bob@example.com
status "user password" 0 "$LEDGER" user password "$file" ada@lovelace.org <<<"battery staple"
status "user password of nobody" 1 "$LEDGER" user password "$file" nobody@example.com <<<"battery staple"

# ---- roles
status "role list" 0 "$LEDGER" role list "$file"
like "has the schema's" "$SEEN" '^moderator +Moderates'
status "role grant" 0 "$LEDGER" role grant "$file" ada@lovelace.org admin
status "role list of a user" 0 "$LEDGER" role list "$file" ada@lovelace.org
is "has it" "$SEEN" '["admin","user","viewer"]'
status "role revoke" 0 "$LEDGER" role revoke "$file" ada@lovelace.org admin
is "has it no more" "$("$LEDGER" role list "$file" ada@lovelace.org)" '["user","viewer"]'
status "a role that is none" 1 "$LEDGER" role grant "$file" ada@lovelace.org king
status "in a schema without roles" 1 bash -c "$LEDGER init $work/elon.db --schema=elon && $LEDGER user create $work/elon.db a@b.co --no-password && $LEDGER role grant $work/elon.db a@b.co admin"
like "LG026" "$PROBLEM" '\[LG026\]$'
status "who acts stands in the audit trail" 0 env LEDGER_ACTOR="$id" "$LEDGER" role grant "$file" bob@example.com moderator
like "by id" "$(get audit_logs "select=entity_type&user_id=eq.$id")" '"user_roles"'

# ---- keys
status "key create" 0 "$LEDGER" key create "$file" ada@lovelace.org --name=ci --permissions='{"read:accounts":true}' --rate-limit=5
like "prints the key" "$SEEN" '^lk_[0-9a-f]{16}_[0-9a-f]{48}$'
like "once" "$PROBLEM" 'not shown again'
key=$SEEN
status "key create of a role" 0 "$LEDGER" key create "$file" --role=service_role --json
like "as JSON" "$SEEN" '"key":[[:space:]]*"sb_secret_[0-9a-f]{16}_[0-9a-f]{48}"'
role_id=$(sed -nE 's/.*"id":[[:space:]]*"([0-9a-f]+)".*/\1/p' <<<"$SEEN")
status "key list" 0 "$LEDGER" key list "$file" --json
like "has both" "$SEEN" '"name":"ci"'
is "no secret is in it" "$(grep -c "${key##*_}" <<<"$SEEN")" 0
is "nor in the file" "$(grep -c "${key##*_}" "$file" "$file-wal" 2>/dev/null | grep -vc ':0$')" 0
status "key list for people" 0 "$LEDGER" key list "$file"
like "with its head" "$SEEN" '^id +role +user_id'
status "key revoke" 0 "$LEDGER" key revoke "$file" "$role_id"
status "twice" 1 "$LEDGER" key revoke "$file" "$role_id"
like "LA014" "$PROBLEM" '\[LA014\]$'
status "key of nobody" 2 "$LEDGER" key create "$file"
status "key of a user and a role" 2 "$LEDGER" key create "$file" ada@lovelace.org --role=anon
status "key of another role" 1 "$LEDGER" key create "$file" --role=postgres
status "a rate that is none" 2 "$LEDGER" key create "$file" ada@lovelace.org --rate-limit=0
status "an expiry that is none" 1 "$LEDGER" key create "$file" ada@lovelace.org --expires=someday
status "key jwt" 0 "$LEDGER" key jwt "$file"
like "anon" "$SEEN" '^anon +eyJ[A-Za-z0-9_-]+\.eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}$'
like "service_role" "$SEEN" '^service_role +eyJ'
status "key jwt --role" 0 "$LEDGER" key jwt "$file" --role=anon --days=1
like "that one alone" "$SEEN" '^eyJ[^ ]*$'
status "key jwt --json" 0 "$LEDGER" key jwt "$file" --json
like "as JSON" "$SEEN" '"service_role":[[:space:]]*"eyJ'
status "key jwt --days=0" 2 "$LEDGER" key jwt "$file" --days=0
status "key rotate" 0 "$LEDGER" key rotate "$file"
status "key rotate to a given one" 0 "$LEDGER" key rotate "$file" --stdin --overlap=0 <<<"a secret of thirty-two bytes or more"
status "key rotate to a short one" 1 "$LEDGER" key rotate "$file" --stdin <<<"short"
like "22023" "$PROBLEM" '\[22023\]$'
is "the secret is not among the options" "$("$LEDGER" help key rotate | grep -c -- '--secret')" 0

# ---- keeping out and letting go
status "user ban" 0 "$LEDGER" user ban "$file" ada@lovelace.org --until='2100-01-01'
like "until then" "$("$LEDGER" user show "$file" ada@lovelace.org)" '^banned until +2100-01-01T00:00:00Z$'
status "user ban for good" 0 "$LEDGER" user ban "$file" ada@lovelace.org
like "infinity" "$("$LEDGER" user show "$file" ada@lovelace.org)" '^banned until +infinity$'
status "user unban" 0 "$LEDGER" user unban "$file" ada@lovelace.org
is "is lifted" "$("$LEDGER" user show "$file" ada@lovelace.org | grep -c '^banned')" 0
status "a time that is none" 1 "$LEDGER" user ban "$file" ada@lovelace.org --until=someday
status "user delete" 0 "$LEDGER" user delete "$file" ada@lovelace.org
like "marks the user" "$("$LEDGER" user show "$file" "$id")" '^left +20'
status "user delete --hard" 0 "$LEDGER" user delete "$file" "$id" --hard
is "no row of the user is left" "$(get users "select=id&id=eq.$id")$(get user_kyc "select=id&user_id=eq.$id")$(get api_keys "select=id&user_id=eq.$id")" '[][][]'
status "user delete of nobody" 1 "$LEDGER" user delete "$file" "$id"
printf '%s\n' '{"table":"user_kyc","op":"update","row":{"document_number":"X1"},"where":{"verification_status":"pending"}}' |
  "$LEDGER" load "$file" --quiet 2>/dev/null
status "who has evidence in the file stays" 1 "$LEDGER" user delete "$file" bob@example.com --hard
like "23503" "$PROBLEM" '\[23503\]'
status "the book and the trail hold" 0 "$LEDGER" verify "$file"

# ---- on a terminal: without echo, twice
terminal() { # answer... : answers each prompt once it stands there; prints all that the terminal showed
  python3 - "$LEDGER" "$file" "$@" <<'PYTHON'
import os, pty, signal, sys
signal.alarm(60)  # a prompt that never comes ends the test
ledger, file, answers = sys.argv[1], sys.argv[2], sys.argv[3:]
child, terminal = pty.fork()
if child == 0:
    os.execv(ledger, [ledger, "user", "password", file, "bob@example.com"])
seen = b""
for answer in answers:
    while not seen.endswith(b": "):
        seen += os.read(terminal, 1)
    os.write(terminal, answer.encode() + b"\n")
    seen += os.read(terminal, 1)
try:
    while True:
        more = os.read(terminal, 1024)
        if not more:
            break
        seen += more
except OSError:
    pass
print(seen.decode().replace("\r", ""))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
PYTHON
}
status "two that differ" 2 terminal "correct horse" "correct house"
like "says so" "$SEEN" 'not the same'
status "asked on a terminal" 0 terminal "correct horse" "correct horse"
like "twice" "$SEEN" '^again: '
is "without echo" "$(grep -c horse <<<"$SEEN")" 0
like "and taken" "$("$LEDGER" user show "$file" bob@example.com)" '^password +set$'
tap_end
