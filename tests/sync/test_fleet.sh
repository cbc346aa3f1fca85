#!/usr/bin/env bash
# A fleet: devices with random scripts of operations and rows, and clocks that are not main's.
# First: every order of delivery leaves main the same. Then the field: devices made from a main that has writers of its own, colliding
# emails, balances that two spend, batches that come late, twice, and by every road. In the end each device's facts are on main or in
# custody, none twice; after the repair all of them are on main, and main's balances are what the books say.
#   LEDGER_TEST_DEVICES  (4; 20 is what the design asks)
#   LEDGER_TEST_COUNT    turns of the field (5 for each device)
#   LEDGER_TEST_ORDERS   orders of delivery (3)
#   LEDGER_TEST_SEED
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. tests/lib/sync.sh
: "${LEDGER:=$PWD/build/ledger}"
DEVICES=${LEDGER_TEST_DEVICES:-4}
TURNS=${LEDGER_TEST_COUNT:-$((5 * DEVICES))}
ORDERS=${LEDGER_TEST_ORDERS:-3}
RANDOM=${LEDGER_TEST_SEED:-20261}
work=$TAP_WORK
trap 'main_drop_all; rm -rf "$work"' EXIT
sync_clock "$work" || { tap_no "the library of a wrong clock"; exit 1; }
note() { printf '# %s\n' "$*"; }
note "$DEVICES devices, $TURNS turns, seed ${LEDGER_TEST_SEED:-20261}"

shared=4 # accounts and users that all devices have
user() { printf '00000000-0000-4000-8000-%012d' "$1"; }
account() { printf '00000000-0000-4000-9000-%012d' "$1"; }
contact() { printf '00000000-0000-4000-a000-%012d' "$1"; }
declare -A shift_of serial

# What all start from: users and accounts with the same ids, each device's with money that came in there.
begin_device() { # number
  local n
  {
    for ((n = 1; n <= shared; n++)); do
      printf '{"table":"users","op":"upsert","row":{"id":"%s","email":"shared%d@x.co","password_hash":"!"}}\n' "$(user $n)" $n
      printf '{"table":"accounts","op":"upsert","row":{"id":"%s","user_id":"%s","account_number":"S%d","account_type":"checking"}}\n' "$(account $n)" "$(user $n)" $n
    done
  } | shifted "${shift_of[$1]}" "$LEDGER" load "$work/$1.db" --quiet 2>/dev/null &&
    {
      for ((n = 1; n <= shared; n++)); do
        printf '{"op":"deposit","to":"S%d","amount":1000,"reference":"fill-%s-%d"}\n' $n "$1" $n
        printf '{"op":"open","currency":"USD","number":"D%s-%d","reference":"open-%s-%d"}\n' "$1" $n "$1" $n
      done
    } | shifted "${shift_of[$1]}" "$LEDGER" batch "$work/$1.db" >/dev/null 2>&1
}
operations() { # number
  local n kind reference from to
  for ((n = 0; n < 6 + RANDOM % 10; n++)); do
    serial[$1]=$((${serial[$1]:-0} + 1))
    reference=op-$1-${serial[$1]} kind=$((RANDOM % 10)) from=S$((1 + RANDOM % shared)) to=D$1-$((1 + RANDOM % shared))
    case $kind in
      0) printf '{"op":"deposit","to":"%s","amount":%d,"reference":"%s"}\n' "$from" $((1 + RANDOM % 90)) "$reference" ;;
      1) printf '{"op":"withdraw","from":"%s","amount":%d,"reference":"%s"}\n' "$from" $((1 + RANDOM % 90)) "$reference" ;;
      2) printf '{"op":"hold","from":"%s","to":"%s","amount":9,"reference":"%s"}\n' "$from" "$to" "$reference" ;;
      3) printf '{"op":"capture","of":"op-%s-%d","amount":4,"reference":"%s"}\n' "$1" $((serial[$1] - RANDOM % 9)) "$reference" ;;
      4) printf '{"op":"reverse","of":"op-%s-%d","reference":"%s"}\n' "$1" $((serial[$1] - RANDOM % 9)) "$reference" ;;
      5) printf '{"op":"post","legs":[{"account":"%s","amount":-3},{"account":"%s","amount":2},{"account":"D%s-1","amount":1}],"reference":"%s"}\n' "$from" "D$1-2" "$1" "$reference" ;;
      6) printf '{"op":"release","of":"op-%s-%d","reference":"%s"}\n' "$1" $((serial[$1] - RANDOM % 9)) "$reference" ;;
      *) printf '{"op":"transfer","from":"%s","to":"%s","amount":%d.%02d,"reference":"%s"}\n' "$from" "$to" $((RANDOM % 60)) $((1 + RANDOM % 98)) "$reference" ;;
    esac
  done
}
rows() { # number
  local n
  for ((n = 0; n < 4 + RANDOM % 6; n++)); do
    case $((RANDOM % 6)) in
      0 | 1) printf '{"table":"users","op":"update","row":{"first_name":"%s-%d"},"where":{"id":"%s"}}\n' "$1" $RANDOM "$(user $((1 + RANDOM % shared)))" ;;
      2) printf '{"table":"contacts","op":"upsert","row":{"id":"%s","email":"a@x.co","message":"%s %d"}}\n' "$(contact $((RANDOM % 12)))" "$1" $RANDOM ;;
      3) printf '{"table":"contacts","op":"delete","where":{"id":"%s"}}\n' "$(contact $((RANDOM % 12)))" ;;
      4) printf '{"table":"notifications","row":{"user_id":"%s","message":"from %s"}}\n' "$(user $((1 + RANDOM % shared)))" "$1" ;;
      5) printf '{"table":"users","row":{"email":"%s-%d-%d@x.co","password_hash":"!"}}\n' "$1" $RANDOM $RANDOM ;;
    esac
  done
}
foreign() { # number: another program writes
  local n=$((RANDOM % 12))
  shifted "${shift_of[$1]}" other "$work/$1.db" "UPDATE contacts SET message = 'by sqlite3 $1' WHERE id > '$(contact $n)';
    DELETE FROM notifications WHERE message = 'from $1' AND id IN (SELECT id FROM notifications LIMIT 1);
    INSERT OR REPLACE INTO contacts (id, email, message, created_at) VALUES ('$(contact $n)', 'r@x.co', 'replaced by $1', '2026-01-01 00:00:00+00:00')"
}
# A turn of a device. Operations that cannot be done are refused, that is a part of it.
work_of() { # number
  operations "$1" | shifted "${shift_of[$1]}" "$LEDGER" batch "$work/$1.db" --continue >/dev/null 2>&1
  rows "$1" | shifted "${shift_of[$1]}" "$LEDGER" load "$work/$1.db" --continue --quiet >/dev/null 2>&1
  [ $((RANDOM % 3)) -ne 0 ] || foreign "$1"
}
# Main's balances of the shared accounts; and what all books together say of them.
balances_of_main() { ask "SELECT account_number, balance FROM accounts WHERE account_number LIKE 'S%' ORDER BY 1" | tr '\n' ' '; }
balances_of_books() { # number...
  local n
  for n in "$@"; do
    sqlite3 -cmd '.timeout 5000' "$work/$n.db" "SELECT account_number, CAST(round(100 * balance) AS INTEGER) FROM accounts WHERE account_number LIKE 'S%'"
  done | awk -F'|' '{ sum[$1] += $2 } END { for (name in sum) printf "%s|%.2f\n", name, sum[name] / 100 }' | sort | tr '\n' ' '
}
entries_sum() { # over all books
  local n
  for n in "$@"; do sqlite3 "$work/$n.db" 'SELECT coalesce(sum(amount), 0) FROM ledger_entry WHERE layer = 0'; done | awk '{ n += $1 } END { print n }'
}

# ---- every order

main orders
for ((n = 1; n <= DEVICES; n++)); do
  shift_of[$n]=$((RANDOM % 480 - 240)) # within five minutes: clocks that main does not clamp
  "$LEDGER" init "$work/$n.db" --schema full >/dev/null && device_enrol "$work/$n.db" && begin_device $n || tap_no "device $n begins"
done
batches=4 refused=""
for ((batch = 1; batch <= batches; batch++)); do
  for ((n = 1; n <= DEVICES; n++)); do
    work_of $n
    shifted "${shift_of[$n]}" "$LEDGER" export "$work/$n.db" >/dev/null 2>"$work/problem" || refused+=" $n: $(cat "$work/problem")"
    "$LEDGER" export "$work/$n.db" --since $batch >"$work/$n.$batch" 2>"$work/problem" || refused+=" $n since $batch: $(cat "$work/problem")"
  done
done
is "each device cuts $batches batches" "$refused" ""
template=$MAIN wanted="" problem="" unequal="" unbalanced=""
books=$(balances_of_books $(seq "$DEVICES"))
for ((order = 0; order < ORDERS; order++)); do
  MAIN=$template
  main_copy "orders_$order"
  unset next && declare -A next
  left=$((DEVICES * batches))
  while [ $left -gt 0 ]; do
    case $order in
      0) n=$(((DEVICES * batches - left) / batches + 1)) ;;       # one device after the other
      1) n=$((DEVICES - (DEVICES * batches - left) % DEVICES)) ;; # in turns, backwards
      *) n=$((1 + RANDOM % DEVICES)) ;;
    esac
    batch=$((${next[$n]:-0} + 1))
    [ $batch -le $batches ] || continue
    seen=$(psql -q -A -t -X -d "$MAIN" -f "$work/$n.$batch" 2>&1) || problem+=" $n.$batch: $seen"
    [[ $seen != *"in custody"* ]] || problem+=" $n.$batch: $seen"
    next[$n]=$batch left=$((left - 1))
  done
  digest=$(ask "SELECT * FROM ledger_sync.digest()")
  [ -n "$wanted" ] || wanted=$digest
  [ "$digest" = "$wanted" ] || unequal+=" $order: $(diff <(echo "$digest") <(echo "$wanted") | head -n 5)"
  [ "$(balances_of_main)" = "$books" ] || unbalanced+=" $order: $(balances_of_main), wanted $books"
done
is "$ORDERS orders of delivery: all batches are applied" "$(head -c 600 <<<"$problem")" ""
is "$ORDERS orders of delivery: one digest" "$unequal" ""
is "$ORDERS orders of delivery: main's balances are the sum of the books'" "$unbalanced" ""
is "the entries of all books together are nothing" "$(entries_sum $(seq "$DEVICES"))" 0
rm -f "$work"/*.db*

# ---- the field

main field
unset serial && declare -A serial
"$LEDGER" init "$work/first.db" --schema full >/dev/null && device_enrol "$work/first.db" # the schema is registered
trusted=$("$LEDGER" bundle key "$work/main.key")
ask "UPDATE ledger_sync.installation SET public_key = decode('$trusted', 'hex')" >/dev/null
main_emails=0
main_writes() { # main has writers of its own
  main_emails=$((main_emails + 1))
  ask "INSERT INTO users (email, password_hash) VALUES ('taken$((RANDOM % 8))@x.co', '!') ON CONFLICT DO NOTHING;
    UPDATE users SET last_name = 'main $RANDOM' WHERE id = '$(user $((1 + RANDOM % shared)))';
    UPDATE contacts SET message = 'main $RANDOM' WHERE id = '$(contact $((RANDOM % 12)))';
    DELETE FROM contacts WHERE id = '$(contact $((RANDOM % 12)))'"
}
for ((n = 1; n <= DEVICES; n++)); do
  case $((n % 4)) in
    0) shift_of[$n]=$((86400 * 400)) ;;
    1) shift_of[$n]=0 ;;
    2) shift_of[$n]=-$((86400 * 400)) ;;
    3) shift_of[$n]=$((RANDOM % 1200 - 600)) ;;
  esac
  rm -f "$work"/keys.db* && "$LEDGER" init "$work/keys.db" --schema full >/dev/null # any file makes keys
  key=$("$LEDGER" head "$work/keys.db" --new-key "$work/$n.key" 2>"$work/problem" | sed -n 's/^signed by //p')
  shifted "${shift_of[$n]}" "$LEDGER" init "$work/$n.db" --from "dbname=$MAIN" --public-key "$key" >/dev/null 2>"$work/problem" ||
    tap_no "device $n is made" "$(cat "$work/problem")"
  begin_device $n || tap_no "device $n begins"
done

late=() # scripts that were cut and come later, or again
problem="" refusals=0 taken=0
# Its complaint is a problem; that a batch is in custody, exit status 1, is an answer.
try() { # what command...
  "${@:2}" 2>"$work/problem" || grep -q custody "$work/problem" || problem+=" $1: $(head -n 2 "$work/problem")"
}
deliver() { # number road [option of export]
  local seen ours=(shifted "${shift_of[$1]}" "$LEDGER") file=$work/$1.db
  case $2 in
    push) try "push $1" "${ours[@]}" push "$file" "dbname=$MAIN" >/dev/null ;;
    bundle)
      rm -f "$work/bundle" "$work/answer"
      try "seal $1" "${ours[@]}" bundle seal "$file" -o "$work/bundle" --sign "$work/$1.key" >/dev/null
      [ -f "$work/bundle" ] || return 0 # there was nothing to carry
      try "receive $1" "$LEDGER" receive "dbname=$MAIN" "$work/bundle" --key "$work/main.key" -o "$work/answer" >/dev/null
      try "signed ack $1" "${ours[@]}" ack "$file" <"$work/answer" >/dev/null ;;
    *)
      # shellcheck disable=SC2086
      try "export $1" "${ours[@]}" export "$file" ${3:-} >"$work/script"
      cp "$work/script" "$work/late.$1.${#late[@]}"
      late+=("late.$1.${#late[@]}")
      [ "$2" != late ] || return 0
      seen=$(psql -q -A -t -X -d "$MAIN" -f "$work/script" 2>&1) || problem+=" psql $1: $(head -n 2 <<<"$seen")"
      [ "$2" != deaf ] || return 0 # the answer is lost
      try "ack $1" "${ours[@]}" ack "$file" --trusted <<<"$seen" >/dev/null ;;
  esac
}
for ((turn = 0; turn < TURNS; turn++)); do
  n=$((1 + RANDOM % DEVICES))
  work_of $n
  if [ $((RANDOM % 6)) = 0 ]; then # an email that another device, or main, may have
    printf '{"table":"users","row":{"email":"taken%d@x.co","password_hash":"!","first_name":"%s"}}\n' $((RANDOM % 8)) $n |
      shifted "${shift_of[$n]}" "$LEDGER" load "$work/$n.db" --quiet 2>/dev/null
  fi
  [ $((RANDOM % 2)) -ne 0 ] || main_writes
  if [ $((RANDOM % 9)) = 0 ]; then # main takes money from an account itself, more than there may be
    taken=$((taken + 500 * $(ask "WITH taken AS (UPDATE accounts SET balance = balance - 500, available_balance = available_balance - 500
      WHERE account_number = 'S1' RETURNING 1) SELECT count(*) FROM taken")))
  fi
  case $((RANDOM % 6)) in
    0) deliver $n late ;;
    1) deliver $n deaf ;;
    2) deliver $n pipe "--format insert" ;;
    3) deliver $n push ;;
    4) deliver $n bundle ;;
    *) deliver $n pipe ;;
  esac
  if [ ${#late[@]} -gt 0 ] && [ $((RANDOM % 3)) = 0 ]; then # an old script comes, again or at last; too early is a gap
    seen=$(psql -q -A -t -X -d "$MAIN" -f "$work/${late[RANDOM % ${#late[@]}]}" 2>&1) || refusals=$((refusals + 1))
    [[ $seen != *ERROR* || $seen == *LS006* || $seen == *batch* ]] || problem+=" late: $(head -n 2 <<<"$seen")"
  fi
done
for ((n = 1; n <= DEVICES; n++)); do deliver $n pipe; done
is "the field: no road refuses a batch" "$(head -c 800 <<<"$problem")" ""
note "late or again: ${#late[@]} scripts; in custody: $(ask "SELECT count(*) || ' batches of ' || count(DISTINCT device)
  FROM ledger_sync.batch WHERE state = 'waiting'") devices; conflicts: $(ask "SELECT string_agg(kind || ' ' || n, ', ')
  FROM (SELECT kind, count(*) AS n FROM ledger_sync.conflict GROUP BY 1 ORDER BY 1) AS c")"

# Every fact is on main or in custody, in the inbox as text.
facts_missing() { # number
  local device
  device=$(device_id "$work/$1.db")
  { ask "SELECT id FROM transactions UNION ALL SELECT id FROM audit_logs"
    ask "SELECT row FROM ledger_sync.inbox WHERE device = '$device'" | grep -oE '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}'; } |
    sort -u >"$work/there"
  sqlite3 -cmd '.timeout 5000' "$work/$1.db" 'SELECT id FROM transactions UNION ALL SELECT id FROM audit_logs' | sort -u >"$work/own"
  comm -23 "$work/own" "$work/there" | wc -l
}
missing=""
for ((n = 1; n <= DEVICES; n++)); do
  count=$(facts_missing $n)
  [ "$count" = 0 ] && [ -s "$work/own" ] || missing+=" $n: $count of $(wc -l <"$work/own")"
  [ "$(sqlite3 "$work/$n.db" 'SELECT cut_seq - received_seq FROM ledger_sync_state')" = 0 ] || missing+=" $n has batches that main has not"
done
is "every fact of every device is on main or in custody" "$missing" ""
is "none is there twice" "$(ask "SELECT count(*) FROM (SELECT reference_number FROM transactions GROUP BY 1 HAVING count(*) > 1) AS twice")" 0

# The repair: who came first keeps the email.
for ((n = 0; n < 40; n++)); do
  [ "$(ask "SELECT count(*) FROM ledger_sync.batch WHERE state = 'waiting'")" != 0 ] || break
  ask "UPDATE users SET email = 'was-' || replace(id::text, '-', '') || '@x.co' WHERE email LIKE 'taken%'; SELECT count(*) FROM ledger_sync.retry()" >/dev/null
done
is "after the repair nothing waits" "$(ask "SELECT device, seq, reason FROM ledger_sync.batch WHERE state = 'waiting' LIMIT 3")" ""
missing=""
for ((n = 1; n <= DEVICES; n++)); do
  ask "SELECT ledger_sync.acknowledgement('$(device_id "$work/$n.db")')" | "$LEDGER" ack "$work/$n.db" --trusted >/dev/null
  missing+=$(sqlite3 "$work/$n.db" 'SELECT id FROM transactions UNION ALL SELECT id FROM audit_logs' | sort >"$work/own"
    ask "SELECT id FROM transactions UNION ALL SELECT id FROM audit_logs" | sort | comm -23 "$work/own" - | head -n 2)
done
is "and every fact is on main" "$missing" ""
is "the entries of all books together are nothing, too" "$(entries_sum $(seq "$DEVICES"))" 0
books=$(balances_of_books $(seq "$DEVICES"))
is "main's balances are the sum of the books', but for what main itself took" "$(balances_of_main | sed 's/^S1|[^ ]*//')" "$(sed 's/^S1|[^ ]*//' <<<"$books")"
is "and S1 by what it took there" "$(balances_of_main | sed 's/^S1|\([^ ]*\).*/\1/')" \
  "$(sed 's/^S1|\([^ ]*\).*/\1/' <<<"$books" | awk -v taken="$taken" '{ printf "%.2f", $1 - taken }')"
is "an account below zero is an event" "$(ask "SELECT NOT EXISTS (SELECT FROM accounts WHERE balance < 0)
  OR EXISTS (SELECT FROM ledger_sync.conflict WHERE kind = 'overdraft')")" t
is "the fleet is seen" "$(ask 'SELECT count(*) FROM ledger_sync.fleet WHERE waiting = 0')" $((DEVICES + 1))
problem=""
for ((n = 1; n <= DEVICES; n++)); do
  "$LEDGER" prove "$work/$n.db" "dbname=$MAIN" >"$work/proof" 2>&1 || problem+=" $n: $(head -n 4 "$work/proof")"
done
is "each device is proved against main" "$(head -c 1000 <<<"$problem")" ""
ask "SET session_replication_role = replica; UPDATE transactions SET amount = amount + 1
  WHERE id = (SELECT id FROM transactions WHERE reference_number LIKE 'fill-1-%' LIMIT 1)" >/dev/null # no trigger stands in the way
status "and one is not, where main's fact is another one" 1 "$LEDGER" prove "$work/1.db" "dbname=$MAIN"
tap_end
