#!/usr/bin/env bash
# ./build.sh demo: makes a ledger file with the full schema and some hundred rows in every kind of table, exports it, and
# says what to type next.
#   tests/demo.sh LEDGER FOLDER
set -euo pipefail
ledger=$1
folder=$2
file=$folder/demo.db

mkdir -p "$folder"
rm -f "$file" "$file"-wal "$file"-shm "$folder"/demo.sql "$folder"/*.ndjson

# Rows for the tables that anybody writes, as changes for `ledger load`. Numbers come from one small generator, so that each demo is the same.
changes() {
  awk '
    function random(n) { seed = (seed * 16807) % 2147483647; return seed % n }
    function id(kind, n) { return sprintf("%08x-0000-4000-8000-%012x", kind, n) }
    function pick(list,   parts, n) { n = split(list, parts, " "); return parts[random(n) + 1] }
    function money(limit) { return sprintf("%d.%02d", random(limit), random(100)) }
    function day() { return sprintf("2026-%02d-%02dT%02d:%02d:00Z", random(10) + 1, random(28) + 1, random(24), random(60)) }
    function add(table, row) { printf "{\"table\":\"%s\",\"row\":{%s}}\n", table, row }
    function text(name, value) { return "\"" name "\":\"" value "\"" }
    function bare(name, value) { return "\"" name "\":" value }
    function hex(n,   i, out) { out = ""; for (i = 0; i < n; i++) out = out substr("0123456789abcdef", random(16) + 1, 1); return out }
    BEGIN {
      seed = 20261120
      split("Ada Grace Alan Edsger Barbara Donald Radia Niklaus Frances Ken", first, " ")
      split("Lovelace Hopper Turing Dijkstra Liskov Knuth Perlman Wirth Allen Thompson", last, " ")
      users = 40
      for (u = 1; u <= users; u++) {
        f = first[random(10) + 1]; l = last[random(10) + 1]; me = text("user_id", id(1, u))
        add("users", text("id", id(1, u)) "," text("email", tolower(f) "." tolower(l) u "@example.com") "," text("password_hash", "!") "," \
          text("first_name", f) "," text("last_name", l) "," text("username", tolower(f) u) "," text("created_at", day()))
        add("user_profiles", me "," text("phone", "+1415555" sprintf("%04d", u)) "," bare("preferences", "{\"dashboard\":\"" pick("compact wide") "\"}"))
        add("user_settings", me "," text("theme", pick("dark light auto")) "," text("language", pick("en de pt-BR")))
        add("user_kyc", me "," text("verification_status", pick("pending verified rejected expired")) "," text("date_of_birth", "19" (50 + random(50)) "-0" (random(9) + 1) "-1" random(9)))
        add("user_roles", me "," text("role_id", "e28a12b4-b654-5849-8551-a1a6aa537c03"))
        add("api_keys", me "," text("key_hash", hex(64)) "," text("name", "key " u) "," bare("permissions", "{\"read:accounts\":true}"))
        add("sessions", me "," text("token_hash", hex(64)) "," text("expires_at", "2027-01-01T00:00:00Z") "," text("ip_address", "203.0.113." u) "," text("device_type", pick("phone laptop kiosk")))
        add("portfolio", me)
        add("simulations", me "," bare("is_enabled", pick("true false")))
        add("deposit_addresses", me "," text("crypto_type", pick("BTC ETH USDT USDC XRP ADA")) "," text("address", sprintf("demo-address-%d", u)))
        add("webhooks", text("id", id(3, u)) "," me "," text("url", "https://example.com/hooks/" u) "," bare("events", "[\"transaction.created\",\"account.created\"]") "," text("secret", hex(32)))
        add("integration_configs", me "," text("integration_type", pick("stripe paypal plaid quickbooks salesforce")) "," bare("config", "{\"mode\":\"test\"}"))
        add("vector_memory", me "," bare("embedding", "{\"vector\":[0.1,0.25," random(100) / 100 "]}") "," text("context", "prefers " pick("mornings evenings")))
        for (a = 1; a <= 2; a++) {
          n = u * 2 + a
          add("accounts", text("id", id(2, n)) "," me "," text("account_number", sprintf("WS%012d", n)) "," text("account_type", pick("checking savings investment business")) "," text("currency", a == 1 ? "USD" : "EUR"))
        }
        for (t = 1; t <= 3; t++) {
          add("notifications", me "," text("notification_type", pick("transaction withdrawal deposit trade alert system promotion")) "," text("message", "Message " t " for " f) "," bare("data", "{\"n\":" t "}"))
          add("ai_command_logs", me "," text("model", "small-1") "," bare("input", "{\"prompt\":\"balance?\"}") "," text("status", pick("PENDING COMPLETED ERROR")))
          add("audit_logs", me "," text("action", pick("LOGIN_SUCCESS PROFILE_UPDATED TRANSACTION_CREATED")) "," text("entity_type", "users") "," text("entity_id", id(1, u)) "," text("ip_address", "203.0.113." u))
        }
        add("entities", text("entity_type", pick("branch device terminal")) "," text("name", "Entity " u) "," text("owner_id", id(1, u)))
        add("webhook_deliveries", text("webhook_id", id(3, u)) "," text("event_type", "transaction.created") "," bare("payload", "{\"id\":" u "}") "," bare("response_status", pick("200 204 500")))
        add("contacts", text("name", f) "," text("email", tolower(f) "@example.org") "," text("message", "Please call me."))
        add("testimonies", text("client_name", f " " l) "," bare("rating", random(5) + 1) "," text("content", "It lost nothing."))
      }
      for (h = 0; h < 120; h++) {
        at = sprintf("2026-11-%02dT%02d:00:00Z", int(h / 24) + 1, h % 24)
        add("price_history", text("crypto_type", "BTC") "," bare("price_usd", money(60000) + 1) "," bare("market_cap", "1200000000000.50") "," text("quoted_at", at))
        add("exchange_rates", text("from_currency", "EUR") "," text("to_currency", "USD") "," bare("rate", "1.0" sprintf("%06d", random(999999))) "," text("quoted_at", at))
      }
    }'
}

# What moves money and coins are operations of the book, for `ledger batch`.
operations() {
  awk '
    function random(n) { seed = (seed * 16807) % 2147483647; return seed % n }
    function money(limit) { return sprintf("%d.%02d", random(limit) + 1, random(100)) }
    function account(user, which) { return sprintf("WS%012d", user * 2 + which) }
    function text(name, value) { return ",\"" name "\":\"" value "\"" }
    function post(op, reference, rest) { printf "{\"op\":\"%s\"%s%s}\n", op, text("reference", reference), rest }
    BEGIN {
      seed = 20261121
      for (u = 1; u <= 40; u++) {
        owner = sprintf("00000001-0000-4000-8000-%012x", u)
        post("deposit", "SALARY-" u, text("to", account(u, 1)) text("amount", money(4000)) text("description", "Salary"))
        post("deposit", "SAVED-" u, text("to", account(u, 2)) text("amount", money(900)))
        post("deposit", "CASH-" u, text("to", "portfolio:" owner ":USD") text("amount", "1000"))
        post("receive", "COINS-" u, text("address", "demo-address-" u) text("amount", "0." sprintf("%08d", random(99999999) + 1)) text("txn_hash", "demo-hash-" u))
        post("order", "ORDER-" u, text("user", owner) text("side", "buy") text("asset", "BTC") text("amount", "0.01") text("price", "50000"))
        if (u % 4) post("fill", "FILL-" u, text("of", "ORDER-" u))
        if (u % 4 == 1) post("payout", "PAYOUT-" u, text("user", owner) text("currency", "BTC") text("amount", "0.005") text("address", "bc1qdemo" u))
      }
      for (t = 1; t <= 160; t++) {
        u = random(40) + 1
        post("transfer", "TXN-" t, text("from", account(u, 1)) text("to", account(u % 40 + 1, 1)) text("amount", money(60)))
      }
      for (u = 1; u <= 40; u += 3) post("hold", "HOLD-" u, text("from", account(u, 2)) text("amount", "1.50"))
    }'
}

echo "\$ ledger init $file"
"$ledger" init "$file"
changes >"$folder/changes.ndjson"
echo "\$ ledger load $file --quiet < $folder/changes.ndjson"
"$ledger" load "$file" --quiet <"$folder/changes.ndjson"
operations >"$folder/operations.ndjson"
echo "\$ ledger batch $file --continue < $folder/operations.ndjson > $folder/results.ndjson"
"$ledger" batch "$file" --continue <"$folder/operations.ndjson" >"$folder/results.ndjson"
echo "\$ ledger verify $file"
"$ledger" verify "$file"
echo "\$ ledger export $file --full -o $folder/demo.sql"
"$ledger" export "$file" --full -o "$folder/demo.sql"
echo "\$ ledger info $file"
"$ledger" info "$file"
echo "\$ ledger get $file account_summaries 'select=account_number,account_type,balance,transaction_count&order=account_number&limit=3'"
"$ledger" get "$file" account_summaries 'select=account_number,account_type,balance,transaction_count&order=account_number&limit=3'

cat <<NEXT

Made: $file, and $folder/demo.sql ($(wc -c <"$folder/demo.sql") bytes), which carries it into an empty PostgreSQL 15.

Next, with PATH=\$PATH:$(dirname "$ledger"):
  ledger get $file users 'select=id,email,name&order=created_at.desc&limit=5'
  echo '{"table":"contacts","row":{"email":"you@example.com","message":"hello"}}' | ledger load $file
  echo '{"table":"accounts","row":{"account_number":"x","account_type":"gold"}}' | ledger load $file
  ledger schema full --postgres | less
  ledger history $file --limit=5
  createdb main && ledger push $file dbname=main && ledger prove $file dbname=main
  ledger serve $file       # for supabase-js, postgrest-js and curl: README, "Serving"
  ledger digest $file
  ledger help
NEXT
