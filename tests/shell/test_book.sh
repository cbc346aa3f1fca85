#!/usr/bin/env bash
# The book's commands as a person uses them: every operation once for good, every refusal with its SQLSTATE and an unchanged
# file, ledger batch line by line, keys, heads and verify.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
: "${OUT:=build}" "${LEDGER:=$PWD/$OUT/ledger}"
work=$TAP_WORK
trap 'rm -rf "$work"' EXIT
export LC_ALL=C.UTF-8
unset LEDGER_FILE LEDGER_ACTOR

# ---- help
for command in account\ {open,show,list,limit,freeze,suspend,activate,close} opening deposit withdraw transfer post hold capture \
  release expire reverse exchange fee adjust crypto\ {receive,order,fill,cancel,payout,approve,complete,reject} batch balance \
  history head verify; do
  # shellcheck disable=SC2086
  status "help $command" 0 "$LEDGER" help $command
  like "help $command has its usage" "$SEEN" "^usage: ledger $command FILE"
  first=$SEEN
  # shellcheck disable=SC2086
  status "$command --help" 0 "$LEDGER" $command --help
  is "$command --help is the same" "$SEEN" "$first"
done
status "help operation" 0 "$LEDGER" help operation
for member in reference amount expires_at final to_version; do like "it lists $member" "$SEEN" "^  $member "; done
status "account alone" 2 "$LEDGER" account
like "says which there are" "$PROBLEM" '^  ledger account open '
status "account frobnicate" 2 "$LEDGER" account frobnicate x.db
status "help of a group" 0 "$LEDGER" help crypto
like "lists it" "$SEEN" '^  ledger crypto payout '

# ---- a file with a user, rates, fees
file=$work/book.db
ada=00000000-0000-4000-8000-000000000001
status "init" 0 "$LEDGER" init "$file"
status "what the book reads" 0 "$LEDGER" load "$file" --quiet <<ROWS
{"table":"users","row":{"id":"$ada","email":"ada@example.com","password_hash":"!","first_name":"Ada","last_name":"L"}}
{"table":"portfolio","row":{"user_id":"$ada"}}
{"table":"deposit_addresses","row":{"user_id":"$ada","crypto_type":"BTC","address":"bc1qada"}}
{"table":"exchange_rates","row":{"from_currency":"USD","to_currency":"EUR","rate":"0.92","quoted_at":"2026-01-02T09:00:00Z"}}
ROWS

# ---- every operation once
say() { # title output-pattern command...
  local title=$1 pattern=$2
  shift 2
  status "$title" 0 "$LEDGER" "$@"
  like "$title: says so" "$(tr '\n' ';' <<<"$SEEN")" "$pattern"
}
say "open" '^open A1: completed;  ALICE: 0\.00 USD, 0\.00 available;$' account open "$file" USD --number=ALICE --ref=A1
say "open with limits" '^open A2: completed;  BOB: ' account open "$file" USD --number=BOB --max-balance=100000.00 --user=$ada --ref=A2
say "open in another currency" '^open A3: completed;  TRIP: 0\.00 EUR' account open "$file" EUR --number=TRIP --ref=A3
say "a reference is minted" '^open [0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}: completed;  WS[0-9]{12}: ' account open "$file" USD
say "limit" '^limit L1: completed' account limit "$file" BOB --overdraft-limit=10.00 --max-balance=100000.00 --ref=L1
say "open a third" '^open' account open "$file" USD --number=CARL
say "opening" '^opening O1: completed, 50\.00 USD;  BOB: 50\.00 USD' opening "$file" BOB 50.00 --ref=O1
say "deposit" '^deposit D1: completed, 500\.00 USD;  ALICE: 500\.00 USD, 500\.00 available;$' deposit "$file" ALICE 500.00 --ref=D1
say "deposit again" '^deposit D1: completed, 500\.00 USD \(done before\);  ALICE: 500\.00 USD' deposit "$file" ALICE 500.00 --ref=D1
say "withdraw" '^withdraw W1: completed, 20\.00 USD;  ALICE: 480\.00 USD' withdraw "$file" ALICE 20 --ref=W1
say "withdraw with a fee" '^withdraw W2: completed, 20\.00 USD, fee 0\.10;  ALICE: 459\.90 USD' withdraw "$file" ALICE 20 --fee=withdrawal --reference=W2
say "transfer" '^transfer T1: completed, 100\.00 USD;  ALICE: 359\.90 USD, 359\.90 available;  BOB: 150\.00 USD' transfer "$file" ALICE BOB 100.00 --ref T1
say "members as options" '^transfer T2: completed, 1\.00 USD' transfer "$file" --from=ALICE --to BOB --amount=1.00 --ref=T2
say "some of them" '^transfer T3: completed, 1\.00 USD' transfer "$file" ALICE 1.00 --to=BOB --ref=T3
say "post" '^post P1: completed' post "$file" ALICE=-3.00 BOB=2.00 CARL=1.00 --ref=P1
say "hold" '^hold H1: pending, 80\.00 USD, 80\.00 left;  ALICE: 354\.90 USD, 274\.90 available' hold "$file" ALICE 80.00 BOB --expires-at=2099-01-01 --ref=H1
say "capture in part" '^capture C1: completed, 30\.00 USD, 50\.00 left;  ALICE: 324\.90 USD, 274\.90 available' capture "$file" H1 30.00 --ref=C1
say "release" '^release E1: completed' release "$file" H1 --ref=E1
expiry=$(($(date +%s) + 5))
say "hold for a moment" '^hold H4: pending' hold "$file" BOB 5.00 --expires-at="$(date -u -d "@$expiry" +%FT%TZ)" --ref=H4
say "another" '^hold H6: pending' hold "$file" BOB 5.00 --expires-at="$(date -u -d "@$expiry" +%FT%TZ)" --ref=H6
say "hold for the world" '^hold H2: pending, 10\.00 USD' hold "$file" ALICE 10.00 --ref=H2
say "capture with the rest released" '^capture C2: completed, 4\.00 USD, 0\.00 left;  ALICE: 320\.90 USD, 320\.90 available' capture "$file" H2 4.00 --final --ref=C2
say "reverse in part" '^reverse R1: completed, 40\.00 USD;' reverse "$file" T1 40.00 --reason=wrong --ref=R1
say "exchange" '^exchange X1: completed, 50\.00 USD, for 46\.00 EUR at 0\.92000000;' exchange "$file" ALICE TRIP 50.00 --least=46.00 --ref=X1
say "fee of its own" '^fee F1: completed, 2\.50 USD' fee "$file" ALICE 2.50 --ref=F1
say "adjust" '^adjust J1: completed, 1\.00 USD;  BOB: ' adjust "$file" 1.00 --from=BOB --reason=found --ref=J1
for step in freeze activate suspend activate; do
  say "$step" "^$step [0-9a-f-]{36}: completed;  BOB: .*$(case $step in freeze) echo ', frozen;' ;; suspend) echo ', suspended;' ;; *) echo 'available;' ;; esac)" account $step "$file" BOB --reason=test
done
say "open one to close" '^open' account open "$file" USD --number=SHUT
say "close" 'SHUT: 0\.00 USD, 0\.00 available, closed;$' account close "$file" SHUT
say "coins received" '^receive K1: completed, 0\.50000000 BTC;  portfolio:'$ada':BTC: 0\.50000000 BTC' crypto receive "$file" bc1qada 0.5 0xabc --ref=K1
say "cash for trades" '^deposit' deposit "$file" portfolio:$ada:USD 1000.00
say "order" '^order B1: pending' crypto order "$file" $ada buy 0.01 BTC 40000.00 --ref=B1
say "fill" '^fill B2: completed' crypto fill "$file" B1 --ref=B2
say "another order" '^order B3: pending' crypto order "$file" $ada sell 0.1 BTC 50000.00 --ref=B3
say "cancel" '^cancel B4: completed' crypto cancel "$file" B3 --ref=B4
say "payout" '^payout Y1: pending' crypto payout "$file" $ada 0.2 BTC bc1qout --ref=Y1
say "approve" '^approve Y2: ' crypto approve "$file" Y1 --ref=Y2
say "complete" '^complete Y3: completed' crypto complete "$file" Y1 0xdef --ref=Y3
say "another payout" '^payout Y4: pending' crypto payout "$file" $ada 0.05 BTC bc1qout --ref=Y4
say "reject" '^reject Y5: ' crypto reject "$file" Y4 --reason=no --ref=Y5

# ---- reading
say "account show" 'number     ALICE;status     active;balance    308\.40 USD;available  308\.40;' account show "$file" ALICE
status "account show --json" 0 "$LEDGER" account show "$file" BOB --json
like "has limits" "$(tr -d '\n\t' <<<"$SEEN")" '"overdraft_limit":"10\.00","min_balance":"0\.00","max_balance":"100000\.00"'
say "account list" 'ALICE +checking +USD +active +308\.40 +308\.40;BOB ' account list "$file"
say "account list with a query" '^\[\{"account_number":"TRIP"\}\];$' account list "$file" 'select=account_number&currency=eq.EUR' --json
say "balance" '^308\.40 USD;$' balance "$file" ALICE
say "balance as of a time" '^0\.00 USD;$' balance "$file" ALICE --at=2020-01-01
say "balance by the other clock" '^0\.00 USD;$' balance "$file" ALICE --at=2020-01-01 --clock=effective
status "--clock is one of two" 2 "$LEDGER" balance "$file" ALICE --at=2020-01-01 --clock=wall
say "history of an account" '^ *cursor .*exchange +X1 +posted +-50\.00' history "$file" ALICE --limit=3
say "history of the book" 'complete +Y3 +Y1 ' history "$file" --kind=complete
status "history --json" 0 "$LEDGER" history "$file" ALICE --kind=hold --limit=1 --json
like "is an array of rows" "$SEEN" '^\[\{"cursor":.*"layer":"held","amount":-10\.00,.*\}\]$'
cursor=$(sed -E 's/.*"cursor":([0-9]+).*/\1/' <<<"$SEEN")
status "history --after" 0 "$LEDGER" history "$file" ALICE --kind=hold --after="$cursor" --json
like "goes on behind it" "$SEEN" '"reference":"H1"'
status "history --limit=0" 2 "$LEDGER" history "$file" --limit=0
status "transfer --json" 0 "$LEDGER" transfer "$file" ALICE BOB 1.00 --ref=T4 --json
like "is one line" "$SEEN" '^\{"ok":true,"op":"transfer","reference":"T4","journal":[0-9]+,"status":"completed","transaction_id":"[0-9a-f-]{36}","amount":"1\.00","currency":"USD","created_at":"20[^"]*Z","effective_at":"20[^"]*Z","balances":\[\{"account":"[0-9a-f-]{36}","number":"ALICE","currency":"USD","status":"active","balance":"307\.40","available":"307\.40","held":"0\.00","version":[0-9]+\},\{.*\}\]\}$'

# ---- LEDGER_FILE and LEDGER_ACTOR
export LEDGER_FILE=$file
say "FILE from the environment" '^307\.40 USD;$' balance ALICE
say "with an optional argument" '^ *cursor ' history ALICE --limit=1
say "an operation" '^deposit D2: ' deposit BOB 1.00 --ref=D2
unset LEDGER_FILE
status "LEDGER_ACTOR" 0 env LEDGER_ACTOR=$ada "$LEDGER" deposit "$file" BOB 1.00 --ref=D3
status "--actor" 0 "$LEDGER" deposit "$file" BOB 1.00 --ref=D4 --actor=$ada
is "both are in the audit trail" "$("$LEDGER" get "$file" audit_logs "select=id&user_id=eq.$ada&action=ilike.*deposit*" | grep -c '"id"')" 2

status "LEDGER_ACTOR of a load" 0 env LEDGER_ACTOR=$ada "$LEDGER" load "$file" --quiet <<<"{\"table\":\"user_settings\",\"row\":{\"user_id\":\"$ada\",\"theme\":\"dark\",\"language\":\"en\"}}"
like "is in the audit trail, too" "$("$LEDGER" get "$file" audit_logs "select=user_agent&user_id=eq.$ada&entity_type=eq.user_settings")" '"user_agent":"ledger [0-9.]+"'

# ---- what every operation may say
say "an effective time" '^deposit V1: ' deposit "$file" CARL 7.00 --effective-at=2026-01-01T12:00:00Z --ref=V1
say "by when it counts" '^7\.00 USD;$' balance "$file" CARL --at=2026-01-02 --clock=effective
say "by when it was booked" '^0\.00 USD;$' balance "$file" CARL --at=2026-01-02 --clock=booked
say "description and metadata" '^deposit V2: ' deposit "$file" CARL 1.00 --description='a "gift"' --metadata='{"order": "A-17"}' --ref=V2
like "are in the row" "$("$LEDGER" get "$file" transactions 'select=description,metadata&reference_number=eq.V2')" '^\[\{"description":"a \\"gift\\"","metadata":\{.*"order": "A-17".*\}\}\]$'
say "a key" '^deposit V3: ' deposit "$file" CARL 1.00 --key=k --scope=s --ref=V3
say "a version" '^deposit V4: ' deposit "$file" CARL 1.00 --version="$("$LEDGER" account show "$file" CARL | sed -n 's/^version *//p')" --ref=V4
status "a refusal that is kept" 1 "$LEDGER" withdraw "$file" CARL 1000.00 --keep-failed --ref=V5 --json
like "has a journal" "$SEEN" '^\{"ok":false,"op":"withdraw","reference":"V5","sqlstate":"LG001",.*"journal":[0-9]+,"status":"failed"'
status "and gives its first reason again" 1 "$LEDGER" withdraw "$file" CARL 1000.00 --keep-failed --ref=V5 --json
like "as replayed" "$SEEN" '^\{"ok":false,"op":"withdraw","reference":"V5","replayed":true,"sqlstate":"LG001"'

# ---- what the refusals are about
say "a hold" '^hold' hold "$file" BOB 5.00 --ref=H3
while [ "$(date +%s)" -le "$expiry" ]; do :; done # what comes before takes longer, as a rule
say "an account to freeze" '^open' account open "$file" USD --number=ICE
say "frozen" 'ICE: .*, frozen;$' account freeze "$file" ICE
say "an account to suspend" '^open' account open "$file" USD --number=SLEEP
say "suspended" 'SLEEP: .*, suspended;$' account suspend "$file" SLEEP

# ---- refusals: SQLSTATE, exit status 1, nothing changed
before=$("$LEDGER" digest "$file"; "$LEDGER" head "$file")
refuse() { # title sqlstate command...
  local title=$1 sqlstate=$2
  shift 2
  status "$title" 1 "$LEDGER" "$@"
  like "$title: one line" "$PROBLEM" "^ledger [a-z ]+: .* \[$sqlstate\]"
  is "$title: in one line" "$(wc -l <<<"$PROBLEM")" 1
}
refuse "no funds" LG001 withdraw "$file" ALICE 10000.00
refuse "another currency" LG005 deposit "$file" ALICE 1.00 --currency=EUR
refuse "another currency's account" LG005 transfer "$file" ALICE TRIP 1.00
refuse "too many digits" LG006 deposit "$file" ALICE 1.001
refuse "zero" LG007 deposit "$file" ALICE 0
refuse "negative" LG007 deposit "$file" ALICE -5.00
refuse "out of range" 'LG008' deposit "$file" ALICE 99999999999999.00
refuse "no amount at all" 22P02 deposit "$file" ALICE much
refuse "an exponent" 22P02 deposit "$file" ALICE 1e2
refuse "same account" LG009 transfer "$file" ALICE ALICE 1.00
refuse "unknown account" LG010 deposit "$file" NOBODY 1.00
refuse "reference reused" LG011 deposit "$file" ALICE 501.00 --ref=D1
like "it names the field" "$PROBLEM" '"amount" differs'
refuse "key reused" LG012 deposit "$file" CARL 2.00 --key=k --scope=s
refuse "over-captured" LG014 capture "$file" H3 6.00
refuse "a hold that is released" LG021 capture "$file" H1 1.00
refuse "two legs of one account" LG009 post "$file" ALICE=-2.00 BOB=1.00 BOB=1.00
refuse "frozen" LG002 withdraw "$file" ICE 1.00
refuse "suspended" LG003 deposit "$file" SLEEP 1.00
refuse "hold expired" LG013 capture "$file" H4
refuse "hold not expired" LG021 expire "$file" H3
refuse "reversed too far" LG015 reverse "$file" T1 100.00
refuse "limit" LG016 deposit "$file" BOB 1000000.00
refuse "unbalanced" LG017 post "$file" ALICE=-1.00 BOB=2.00
refuse "reserved suffix" LG019 deposit "$file" ALICE 1.00 --ref=D9.C
refuse "unknown reference" LG020 capture "$file" H9
refuse "version" LG022 transfer "$file" ALICE BOB 1.00 --version=1
refuse "condition" LG023 transfer "$file" ALICE BOB 1.00 --min-available=307.00
refuse "no rate" LG024 exchange "$file" TRIP ALICE 1.00
refuse "no fee" LG025 deposit "$file" TRIP 1.00 --fee=trading
refuse "closed" LG004 deposit "$file" SHUT 1.00
refuse "not empty" LG029 account close "$file" ALICE
refuse "a member that does not belong" LG030 deposit "$file" ALICE 1.00 --side=buy
refuse "an actor who is none" '22P02|23503' deposit "$file" ALICE 1.00 --actor=nobody
refuse "account show of none" LG010 account show "$file" NOBODY
refuse "balance of none" LG010 balance "$file" NOBODY
refuse "a kind that there is not" '[0-9A-Z]{5}' history "$file" --kind=nothing
status "refused with --json" 1 "$LEDGER" withdraw "$file" ALICE 10000.00 --ref=N1 --json
like "says so in JSON" "$SEEN" '^\{"ok":false,"op":"withdraw","reference":"N1","sqlstate":"LG001","message":"[^"]+","status":"failed"'
is "nothing has changed" "$("$LEDGER" digest "$file"; "$LEDGER" head "$file")" "$before"
say "expire" '^expire H5: completed' expire "$file" H4 --ref=H5
say "expire all" '^holds expired: 1;$' expire "$file"
say "expire all, as JSON" '^\{"expired":0\};$' expire "$file" --json
status "an argument is missing" 2 "$LEDGER" transfer "$file" ALICE BOB
status "an argument is too much" 2 "$LEDGER" deposit "$file" ALICE 1.00 USD
status "and beside an option" 2 "$LEDGER" transfer "$file" ALICE BOB 1.00 --to=BOB
status "a leg that is none" 2 "$LEDGER" post "$file" ALICE BOB
status "--ref and --reference" 2 "$LEDGER" deposit "$file" ALICE 1.00 --ref=1 --reference=2
status "a version that is none" 2 "$LEDGER" deposit "$file" ALICE 1.00 --version=x
status "a schema without a book" 0 "$LEDGER" init "$work/smarthub.db" --schema=smarthub
refuse "has none" LG026 deposit "$work/smarthub.db" ALICE 1.00

# ---- the other schema with a book
other=$work/wallstreet.db
status "init wallstreet" 0 "$LEDGER" init "$other" --schema=wallstreet
for account in A B; do say "open $account" '^open ' account open "$other" USD --number=$account; done
say "deposit there" '^deposit ' deposit "$other" A 100.00
say "hold there" '^hold h: pending' hold "$other" A 10.00 B --ref=h
say "capture there" '^capture ' capture "$other" h 4.00 --final
say "freeze there" 'A: 96\.00 USD, 96\.00 available, frozen;$' account freeze "$other" A
refuse "no fee_config there" LG026 deposit "$other" B 1.00 --fee=deposit
say "verify there" '^proven; journals: 6, entries: 8;$' verify "$other"

# ---- batch
batch() { "$LEDGER" batch "$file" "$@" 2>"$work/problem"; }
line() { printf '{"op":"transfer","from":"ALICE","to":"BOB","amount":"%s","reference":"%s"%s}\n' "$1" "$2" "${3:-}"; }
oks() { sed -E 's/^\{"line":([0-9]+),"ok":(true|false).*/\1 \2/' | tr '\n' ' '; }
balance() { "$LEDGER" balance "$file" ALICE; }
out=$(line 1.00 Q1 | batch)
like "a line and its answer" "$out" '^\{"line":1,"ok":true,"op":"transfer","reference":"Q1",.*"balances":\[\{.*\}\]\}$'
out=$(line 1.00 Q1 | batch)
like "again: replayed" "$out" '^\{"line":1,"ok":true,"op":"transfer","reference":"Q1","replayed":true,'
out=$({ echo; line 1 Q2; line 99999 Q3; line 1 Q4; } | batch; echo "exit $?")
is "--stop ends at a refusal" "$(oks <<<"$out")" "2 true 3 false exit 1 "
like "and names its line" "$(cat "$work/problem")" "line 3: account .*\[LG001\]"
is "what stands before it is done, nothing behind it" "$(balance)" "305.40 USD"
out=$({ line 1 Q5; line 99999 Q6; line 1 Q7; } | batch --continue; echo "exit $?")
is "--continue goes on" "$(oks <<<"$out")" "1 true 2 false 3 true exit 1 "
out=$({ line 1 Q8; line 99999 Q9; line 1 Q10; } | batch --atomic; echo "exit $?")
is "--atomic does all or none" "$(oks <<<"$out") $(balance)" "1 false 2 false 3 false exit 1  303.40 USD"
is "the others are told why" "$(grep -c LG018 <<<"$out")" 2
out=$({ line 1 Q8; line 2 Q9; } | batch --atomic; echo "exit $?")
is "--atomic without a refusal" "$(oks <<<"$out") $(balance)" "1 true 2 true exit 0  300.40 USD"
out=$({ line 1 Q11; line 299.40 Q12; line 1 Q13; } | batch --dry-run --continue; echo "exit $?")
is "--dry-run sees what stood before" "$(oks <<<"$out")" "1 true 2 true 3 false exit 1 "
is "and keeps nothing" "$(balance)" "300.40 USD"
out=$({ line 1 Q14 ',"linked":true'; line 99999 Q15; line 1 Q16; } | batch --continue --commit=1; echo "exit $?")
is "linked lines stand or fall together" "$(oks <<<"$out") $(balance)" "1 false 2 false 3 true exit 1  299.40 USD"
out=$({ line 1 Q17 ',"linked":true'; line 1 Q18 ',"bogus":1'; line 1 Q19; } | batch --continue; echo "exit $?")
is "with one that is no operation, too" "$(oks <<<"$out") $(balance)" "1 false 2 false 3 true exit 1  298.40 USD"
out=$({ line 1 Q20 ',"bogus":1,"linked":true'; line 1 Q21; line 1 Q22; } | batch --continue; echo "exit $?")
is "and behind it" "$(oks <<<"$out") $(balance)" "1 false 2 false 3 true exit 1  297.40 USD"
out=$({ line 1 Q23 ',"linked":true'; line 99999 Q24 ',"linked":true'; line 1 Q25; line 1 Q26; } | batch; echo "exit $?")
is "--stop answers the group of the refusal" "$(oks <<<"$out")" "1 false 2 false 3 false exit 1 "

refuse_line() { # title sqlstate line
  local got
  got=$(printf '%s\n' "$3" | batch --continue)
  like "batch: $1" "$got" "^\{\"line\":1,\"ok\":false,\"sqlstate\":\"$2\",\"message\":\""
}
refuse_line "no op" LG030 '{"from":"ALICE"}'
refuse_line "an unknown op" LG030 '{"op":"frobnicate"}'
refuse_line "an unknown member" LG030 '{"op":"deposit","frob":1}'
like "names it" "$(printf '{"op":"deposit","frob":1}\n' | batch --continue)" 'no member \\"frob\\"'
refuse_line "a member twice" LG030 '{"op":"deposit","to":"ALICE","to":"BOB"}'
refuse_line "a text that is an array" LG030 '{"op":"deposit","to":["ALICE"]}'
refuse_line "a flag that is a text" LG030 '{"op":"capture","final":"yes"}'
refuse_line "a version that is none" LG030 '{"op":"deposit","version":1.5}'
refuse_line "a version too large" LG030 '{"op":"deposit","version":9223372036854775808}'
refuse_line "legs that are none" LG030 '{"op":"post","legs":{}}'
refuse_line "a leg that is none" LG030 '{"op":"post","legs":[1]}'
refuse_line "a leg with an unknown member" LG030 '{"op":"post","legs":[{"frob":1}]}'
refuse_line "65 legs" LG030 '{"op":"post","legs":['"$(printf '{"account":"A","amount":"1"},%.0s' $(seq 64))"'{}]}'
refuse_line "no object" LG030 '[1]'
refuse_line "no JSON" 22P02 '{"op":'
refuse_line "something behind it" 22P02 '{"op":"deposit"} x'
refuse_line "a NUL" 22P05 '{"op":"deposit","to":"a\u0000"}'
refuse_line "broken UTF-8" 22021 $'{"op":"deposit","to":"\xff"}'
refuse_line "too long" 54000 "{\"op\":\"$(head -c 1100000 /dev/zero | tr '\0' x)\"}"
out=$(printf '%s\n' '{"op":"post","legs":[{"account":"ALICE","amount":-1.50},{"account":"BOB","amount":1.50,"description":"x"}],"reference":"Q30","metadata":{"order":"A-17","n":1.10}}' | batch)
like "legs, numbers as text, metadata as an object" "$out" '^\{"line":1,"ok":true,"op":"post","reference":"Q30"'
like "metadata is in the row" "$("$LEDGER" get "$file" transactions 'select=metadata&reference_number=like.Q30*')" '"n": 1\.10, .*"order": "A-17"'
out=$(printf '{"op":"deposit","to":"ALICE","amount":100000000000000000000.01,"reference":"Q31"}\n' | batch --continue)
like "a number never passes a float" "$out" '"sqlstate":"LG008","message":"[^"]*100000000000000000000\.01'
status "an empty input" 0 bash -c "'$LEDGER' batch '$file' </dev/null"
status "--atomic and --stop" 2 "$LEDGER" batch "$file" --atomic --stop
status "--commit=0" 2 "$LEDGER" batch "$file" --commit=0

# ---- what is done together has its limits
for n in $(seq 100001); do echo '{"op":"open"}'; done >"$work/many"
status "--atomic with 100,001 lines" 1 bash -c "'$LEDGER' batch '$file' --atomic <'$work/many'"
like "is refused" "$PROBLEM" 'line 100001: .*\[54000\]'
is "and nothing answered" "$SEEN" ""
sed -i 's/"open"/"open","linked":true/' "$work/many"
status "100,001 linked lines" 1 bash -c "'$LEDGER' batch '$file' --continue <'$work/many'"
like "are refused" "$PROBLEM" 'line 100001: .*\[54000\]'

# ---- group commit: each waiting caller gets an answer at once, a file goes through in large steps
mkfifo "$work/lines" "$work/results"
"$LEDGER" batch "$file" --continue <"$work/lines" >"$work/results" 2>/dev/null &
caller=$!
exec 7>"$work/lines" 8<"$work/results"
answers=
for n in 1 2 3; do
  line 0.01 "I$n" >&7
  read -r -t 20 -u 8 answer && answers+="$(oks <<<"$answer")"
done
is "who waits for each answer gets it" "$answers" "1 true 2 true 3 true "
{ line 0.01 I4; printf '{"op":"transfer","from":"ALICE",'; } >&7
read -r -t 20 -u 8 answer
is "also with half a line behind it" "$(oks <<<"$answer")" "4 true "
line 0.01 I5 | sed 's/.*"from":"ALICE",//' >&7
read -r -t 20 -u 8 answer
is "which is done when it is whole" "$(oks <<<"$answer")" "5 true "
kill -INT $caller
wait $caller
is "Ctrl-C gives 130" "$?" 130
exec 7>&- 8<&-
for n in $(seq 3000); do line 0.01 "G$n"; done >"$work/many"
status "3,000 lines" 0 bash -c "'$LEDGER' batch '$file' <'$work/many' >'$work/answers'"
is "are all answered, in order" "$(sed -E 's/^\{"line":([0-9]+),"ok":true.*/\1/' "$work/answers" | cmp - <(seq 3000) && echo yes)" yes
status "and once more" 0 bash -c "'$LEDGER' batch '$file' <'$work/many' >'$work/answers'"
is "are all replayed" "$(grep -c '"replayed":true' "$work/answers")" 3000

# ---- kill -9 half-way: what was answered is in
for n in $(seq 4000); do line 0.01 "Z$n"; done >"$work/many"
"$LEDGER" batch "$file" --commit=50 <"$work/many" >"$work/answers" 2>/dev/null &
victim=$!
for _ in $(seq 6000); do [ "$(wc -l <"$work/answers")" -ge 100 ] && break; sleep 0.01; done
kill -9 $victim
wait $victim 2>/dev/null
is "whole commits of 50 are in" "$(($("$LEDGER" get "$file" transactions 'select=id&reference_number=like.Z*.C' | grep -c '"id"') % 50))" 0
answered=$(grep -c '"ok":true.*\]}$' "$work/answers")
like "some lines were answered" "$answered" '^[1-9]'
status "the rest is done when it is sent again" 0 bash -c "'$LEDGER' batch '$file' <'$work/many' >'$work/again'"
is "what was answered was in" "$(head -n "$answered" "$work/again" | grep -c '"replayed":true')" "$answered"

# ---- two at once
for writer in 1 2; do
  for n in $(seq 300); do line 0.01 "V$writer-$n"; done | "$LEDGER" batch "$file" --commit=10 >"$work/writer$writer" 2>&1 &
done
wait
is "two writers at once lose nothing" "$(cat "$work"/writer[12] | grep -c '"ok":true')" 600

# ---- heads and keys
status "head" 0 "$LEDGER" head "$file"
like "is seq:hash" "$SEEN" '^[0-9]+:[0-9a-f]{64}$'
head=$SEEN
status "a new key" 0 "$LEDGER" head "$file" --new-key="$work/key"
like "signs the head" "$(tr '\n' ';' <<<"$SEEN")" "^$head;signed by [0-9a-f]{64};signature [0-9a-f]{128};$"
public=$(sed -n 's/^signed by //p' <<<"$SEEN")
is "only its owner can read it" "$(stat -c '%a %s' "$work/key")" "600 129"
status "a key file is not written over" 2 "$LEDGER" head "$file" --new-key="$work/key"
status "--sign" 0 "$LEDGER" head "$file" --sign="$work/key" --json
like "as JSON" "$(tr -d '\n\t ' <<<"$SEEN")" "^\{\"journal\":[0-9]+,\"hash\":\"[0-9a-f]{64}\",\"created_at\":\"[^\"]+\",\"public_key\":\"$public\",\"signature\":\"[0-9a-f]{128}\"\}$"
status "another key is refused" 1 "$LEDGER" head "$file" --new-key="$work/other"
like "as the file has one" "$PROBLEM" '\[42501\]'
is "and is not left behind" "$(ls "$work/other" 2>&1 >/dev/null | grep -c 'No such file')" 1
cp "$work/key" "$work/open"; chmod 644 "$work/open"
status "a key that others can read is refused" 2 "$LEDGER" head "$file" --sign="$work/open"
like "and what to do is said" "$PROBLEM" 'chmod 600'
printf 'x%.0s' $(seq 128) >"$work/nokey"; chmod 600 "$work/nokey"
status "a file that is no key" 2 "$LEDGER" head "$file" --sign="$work/nokey"
status "a key that is not there" 2 "$LEDGER" head "$file" --sign="$work/none"
status "--sign and --new-key" 2 "$LEDGER" head "$file" --sign="$work/key" --new-key="$work/other"

# ---- verify
status "verify" 0 "$LEDGER" verify "$file" --head="$head" --public-key="$public"
like "says proven" "$SEEN" '^proven; journals: [0-9]+, entries: [0-9]+$'
status "verify --full --json" 0 "$LEDGER" verify "$file" --full --json
like "the report" "$SEEN" '^\{"proven":true,"journals":[0-9]+,"entries":[0-9]+,'
status "a head that it has not passed through" 1 "$LEDGER" verify "$file" --head="${head%?}$([ "${head: -1}" = 0 ] && echo 1 || echo 0)"
like "is broken" "$SEEN" '^broken, breaks: '
status "another public key" 1 "$LEDGER" verify "$file" --public-key="$(printf '0%.0s' $(seq 64))"
status "a head that is none" 2 "$LEDGER" verify "$file" --head=x
status "a file that is not there" 2 "$LEDGER" verify "$work/none.db"
cp "$file" "$work/edited.db"
sqlite3 "$work/edited.db" -cmd ".load ./$OUT/ledger_ext" "UPDATE accounts SET balance = '999.00' WHERE account_number = 'ALICE'" 2>"$work/problem" ||
  tap_no "a balance edited with sqlite3" "$(cat "$work/problem")"
status "a balance edited with sqlite3" 1 "$LEDGER" verify "$work/edited.db"
like "is found, with its place" "$(tr '\n' ';' <<<"$SEEN")" '^broken, breaks: [1-9].*;  V[0-9]+ accounts [0-9a-f-]{36}.*: '
tap_end
