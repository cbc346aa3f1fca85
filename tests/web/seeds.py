"""The typical queries of the five systems' documents, each as a request to `ledger serve`, of the system's own schema and of full. What
PostgreSQL answers to the document's SQL, with the same schema and rows, is what the request must answer.

    seeds.py rows SYSTEM ADA BOB                       the rows, for `ledger load`; ADA and BOB are ids of two users
    seeds.py operations SYSTEM ADA BOB                 the book's part of them, for `ledger batch`
    seeds.py check SYSTEM URL SERVICE_KEY DATABASE ADA ADA_TOKEN BOB

An entry is the document's statement, in its words or as near as they are SQL, and the request beside it: see the tables below."""
import http.client
import json
import re
import subprocess
import sys
from urllib.parse import quote, urlsplit

PAST, FUTURE = "2020-01-01 00:00:00", "2999-01-01 00:00:00"
ADDRESS = "user@example.com"  # ada's: the documents' example


def key(n):
    return "%08d-0000-4000-8000-000000000000" % n


def digits(n):
    return ("%064d" % n)


# ---- rows

def rows(system, ada, bob):
    add = []

    def row(table, **values):
        add.append({"table": table, "row": values})

    full = system == "full"
    if system in ("wallstreet", "full"):
        row("api_keys", id=key(1), user_id=ada, key_hash=digits(1), name="build", permissions={"read:accounts": True, "admin:users": False})
        row("api_keys", id=key(2), user_id=ada, key_hash=digits(2), name="old", permissions={"read:accounts": False})
        row("webhooks", id=key(10), user_id=ada, url="https://example.com/a", events=["transaction.created", "user.updated"], secret="s")
        row("webhooks", id=key(11), user_id=bob, url="https://example.com/b", events=["account.created"], secret="s")
        for n in range(3):
            row("webhook_deliveries", id=key(20 + n), webhook_id=key(10), event_type="transaction.created", payload={"n": n},
                delivered=n > 0, response_status=200 if n else None, created_at="2026-01-0%d 10:00:00" % (n + 1))
        row("integration_configs", id=key(30), user_id=ada, integration_type="stripe", config={"mode": "test"})
    if system in ("smarthub", "full"):
        roles = {"admin": "7ca9ff25-8de2-57a0-a711-d1c67016e653", "viewer": "cd08e632-b2ec-520a-81e2-3b527cb730b0"} if not full else {}
        if full:
            row("roles", id=key(3), name="auditor")
            row("roles", id=key(4), name="clerk")
            roles = {"auditor": key(3), "clerk": key(4)}
        for n, role in enumerate(roles.values()):
            row("user_roles", id=key(40 + n), user_id=ada, role_id=role, assigned_by=bob)
        for n, (active, expires) in enumerate([(True, None), (True, PAST), (True, FUTURE), (False, FUTURE)]):
            row("api_keys", id=key(50 + n), user_id=ada, key_hash=digits(50 + n), name="k%d" % n, is_active=active, expires_at=expires,
                created_at="2026-02-0%d 09:00:00" % (n + 1))
        for n, expires in enumerate([PAST, FUTURE, FUTURE]):
            row("sessions", id=key(60 + n), user_id=ada, token_hash=digits(60 + n), expires_at=expires, ip_address="10.0.0.%d" % n,
                created_at="2026-02-0%d 09:00:00" % (n + 1))
        if not full:
            for n in range(60):
                row("audit_logs", id=key(1000 + n), user_id=bob, entity_type="users" if n % 3 else "roles", entity_id=ada, action="UPDATE",
                    changes={"before": {"n": n}, "after": {"n": n + 1}}, created_at="2026-03-01 00:%02d:00" % n)
    if system in ("elon", "full"):
        at = "quoted_at" if full else "timestamp"
        own = (lambda n: {"id": key(n)}) if full else (lambda n: {})
        for n in range(5):
            row("price_history", crypto_type="BTC" if n % 2 else "ETH", price_usd="%d.50" % (60000 + n), market_cap="1.00",
                **{at: "2026-04-0%d 12:00:00" % (n + 1)}, **own(70 + n))
            row("exchange_rates", from_currency="BTC", to_currency="USD", rate="6%d000.12345678" % n, source="bench",
                **{at: "2026-04-0%d 12:00:00" % (n + 1)}, **own(80 + n))
            row("notifications", user_id=ada if n < 4 else bob, notification_type="deposit" if n % 2 else "trade", title="T%d" % n, message="m",
                is_read=n == 0, data={"n": n}, created_at="2026-05-0%d 08:00:00" % (n + 1), **own(90 + n))
        row("deposit_addresses", user_id=ada, crypto_type="BTC", address="bc1-a", **own(100))
        row("deposit_addresses", user_id=ada, crypto_type="ETH", address="0x-a", **own(101))
        if not full:
            for n, (active, expires) in enumerate([(True, FUTURE), (True, FUTURE), (False, PAST)]):
                row("sessions", user_id=ada, session_token="t%d" % n, is_active=active, expires_at=expires)
            for n in range(4):
                row("audit_logs", user_id=ada, action="UPDATE", entity_type="users", entity_id=1, old_values={"a": n}, new_values={"a": n + 1},
                    created_at="202%d-01-01 00:00:00" % (3 + n))
    if system == "pe_portal":
        for n, (revoked, expires) in enumerate([(False, FUTURE), (True, FUTURE), (False, PAST)]):
            row("sessions", id="c%d" % n, user_id=ada, refresh_token="r%d" % n, is_revoked=revoked, expires_at=expires)
        for n in range(6):
            row("audit_logs", id="l%d" % n, user_id=ada if n < 4 else bob, action="LOGIN", resource="AUTH", details={"n": n},
                created_at="2026-06-0%d 00:00:00" % (n + 1))
    if system in ("advancia", "full"):
        name = "notification_type" if full else "type"
        for n, user in enumerate([ada, ada, bob]):
            row("notifications", id=key(200 + n), user_id=user, message="m%d" % n, created_at="2026-07-0%d 00:00:00" % (n + 1), **{name: "alert"})
            row("ai_command_logs", id=key(210 + n), user_id=user, model="m", input={"n": n}, created_at="2026-07-0%d 00:00:00" % (n + 1))
            row("vector_memory", id=key(230 + n), user_id=user, embedding={"v": [0.1, n]}, context="c%d" % n, created_at="2026-07-0%d 00:00:00" % (n + 1))
            if not full:  # the book's there
                row("crypto_withdrawals", id=key(220 + n), user_id=user, amount="1.5", currency="USDC", created_at="2026-07-0%d 00:00:00" % (n + 1))
    return add


def operations(system, ada, bob):
    if system not in ("wallstreet", "full"):
        return []
    add = [{"op": "open", "user": ada, "currency": "USD", "number": "WS100000000001", "reference": "o1"},
           {"op": "open", "user": ada, "currency": "USD", "number": "WS100000000002", "type": "savings", "reference": "o2"},
           {"op": "open", "user": bob, "currency": "USD", "number": "WS100000000003", "reference": "o3"},
           {"op": "deposit", "to": "WS100000000001", "amount": "1000.00", "reference": "TXN-1706443200-ABC123"}]
    for n in range(5):
        add.append({"op": "transfer", "from": "WS100000000001", "to": "WS10000000000%d" % (2 + n % 2), "amount": "%d.25" % (n + 1), "reference": "t%d" % n})
    return add


# ---- asking

class Check:
    def __init__(self, system, url, service_key, database, ada, ada_token, bob):
        self.system, self.database, self.ada, self.bob = system, database, ada, bob
        self.tokens = {"service": service_key, "ada": ada_token}
        self.peer = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        self.service_key = service_key
        self.failed = 0
        self.psql = subprocess.Popen(["psql", "-qXAt", "-v", "VERBOSITY=sqlstate", "-d", database], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT, text=True)

    def ok(self, title, good, seen="", wanted=""):
        title = "%s: %s" % (self.system, title)
        if good:
            print("ok " + title)
            return
        self.failed += 1
        print("not ok " + title)
        for name, text in (("seen:  ", seen), ("wanted:", wanted)):
            print("#   %s %s" % (name, json.dumps(text, ensure_ascii=False)[:900]))

    def ask(self, method, path, body=None, who="service", prefer=None):
        """Status, headers, JSON with every number as its text."""
        headers = {"apikey": self.service_key, "Authorization": "Bearer " + self.tokens[who]}
        if prefer:
            headers["Prefer"] = prefer
        if body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(body)
        path = quote(path, safe="/?&=.,()*!:%'\"{}[]<>@-+>")
        path = path.replace('"', "%22").replace("{", "%7B").replace("}", "%7D").replace("<", "%3C").replace(">", "%3E").replace("'", "%27")
        self.peer.request(method, path if path.startswith("/") else "/rest/v1/" + path, body, headers)
        answer = self.peer.getresponse()
        text = answer.read().decode()
        try:
            document = json.loads(text, parse_float=str, parse_int=str) if text else None
        except ValueError:
            document = text
        return answer.status, answer.headers, document

    def sql(self, statement, who=None):
        """Runs it on PostgreSQL, as its owner or as the user: (SQLSTATE or None, what it printed)."""
        script = "BEGIN;\nSET LOCAL timezone = 'UTC';\n"
        if who:
            script += "SET LOCAL ROLE authenticated;\nSELECT set_config('request.jwt.claims', '{\"sub\":\"%s\",\"role\":\"authenticated\"}', true) \\g /dev/null\n" % self.ada
        self.psql.stdin.write(script + statement + ";\nCOMMIT;\n\\echo ---\n")
        self.psql.stdin.flush()
        lines = []
        while (line := self.psql.stdout.readline()) not in ("---\n", ""):
            lines.append(line)
        fault = next((found.group(1) for line in lines if (found := re.search(r"^ERROR: +([0-9A-Z]{5})", line))), None)
        return fault, "".join(lines).strip()

    def select(self, statement, who=None):
        fault, text = self.sql("SELECT coalesce(json_agg(row_to_json(q)), '[]') FROM (%s) q" % statement.rstrip(";"), who)
        return fault if fault else json.loads(text, parse_float=str, parse_int=str)

    # ---- entries

    def same(self, title, statement, request, who="service", seen=lambda rows: rows, wanted=lambda rows: rows):
        """The rows of the statement are the rows of the request, in its order."""
        status, _, got = self.ask("GET", request, who=who)
        expected = self.select(statement, None if who == "service" else who)
        if status == 200 and isinstance(got, list) and isinstance(expected, list):
            got, expected = seen(got), wanted(expected)
        self.ok(title, status == 200 and got == expected, (status, got), expected)
        return got

    def write(self, title, statement, method, request, body, status, after, who="service", prefer="return=minimal"):
        """Both do it; then `after`, a statement and a request, see the same."""
        got_status, _, got = self.ask(method, request, body, who, prefer)
        fault, _ = self.sql(statement, None if who == "service" else who)
        good = got_status == status and (fault is None) == (status < 400)
        if fault and isinstance(got, dict):
            good = good and got.get("code") == fault
        self.ok(title, good, (got_status, got), (status, fault))
        if after:
            self.same(title + ": what is there then", *after)

    def never(self, statement, reason):
        print("# %s: not a request: %s: %s" % (self.system, statement, reason))


# ---- wallstreet-database-schema.md

def wallstreet(c):
    account = c.select("SELECT id FROM accounts WHERE account_number = 'WS100000000001'")[0]["id"]
    c.same("Query Optimization, good: a user by address", "SELECT * FROM users WHERE email = '%s'" % ADDRESS, "users?email=eq." + ADDRESS)
    c.same("Query Optimization, good: an account's transactions",
           "SELECT * FROM transactions WHERE account_id = '%s' ORDER BY created_at DESC" % account,
           "transactions?account_id=eq.%s&order=created_at.desc" % account)
    status, _, got = c.ask("GET", "transactions?account_id=eq.uuid&order=created_at.desc")
    fault, _ = c.sql("SELECT * FROM transactions WHERE account_id = 'uuid' ORDER BY created_at DESC")
    c.ok("the same as it is written, with 'uuid' for a key", status == 400 and got["code"] == fault, (status, got), fault)
    c.same("Query Optimization, avoid: LOWER(email)", "SELECT * FROM users WHERE LOWER(email) = '%s'" % ADDRESS, "users?email=ilike." + ADDRESS)
    c.same("SQL Injection Prevention: what is dangerous in text is a value", "SELECT * FROM users WHERE email = ''' OR ''1''=''1'", "users?email=eq.' OR '1'='1")
    c.same("view account_summaries", "SELECT * FROM account_summaries ORDER BY account_number", "account_summaries?order=account_number")
    c.same("view account_summaries of a user", "SELECT * FROM account_summaries WHERE user_id = '%s' ORDER BY account_number" % c.ada,
           "account_summaries?user_id=eq.%s&order=account_number" % c.ada)
    c.same("Unique account lookup", "SELECT * FROM accounts WHERE account_number = 'WS100000000002'", "accounts?account_number=eq.WS100000000002")
    c.same("Unique reference lookup", "SELECT * FROM transactions WHERE reference_number = 'TXN-1706443200-ABC123'",
           "transactions?reference_number=eq.TXN-1706443200-ABC123")
    c.same("Permissions JSONB", "SELECT name FROM api_keys WHERE permissions @> '{\"read:accounts\": true}' ORDER BY name",
           'api_keys?select=name&permissions=cs.{"read:accounts":true}&order=name')
    c.same("webhooks by event", "SELECT url FROM webhooks WHERE events @> '{user.updated}'", "webhooks?select=url&events=cs.{user.updated}")
    c.same("Relationships: a user's accounts with their transactions",
           "SELECT u.email, (SELECT json_agg(json_build_object('account_number', a.account_number, 'transactions', (SELECT coalesce(json_agg("
           "json_build_object('transaction_type', t.transaction_type, 'amount', t.amount) ORDER BY t.created_at, t.reference_number), '[]') FROM transactions t"
           " WHERE t.account_id = a.id)) ORDER BY a.account_number) FROM accounts a WHERE a.user_id = u.id) AS accounts FROM users u WHERE u.email = '%s'" % ADDRESS,
           "users?select=email,accounts(account_number,transactions(transaction_type,amount))&email=eq.%s&accounts.order=account_number"
           "&accounts.transactions.order=created_at,reference_number" % ADDRESS)
    c.same("Relationships: undelivered calls with their webhook",
           "SELECT d.event_type, d.payload, json_build_object('url', w.url) AS webhooks FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook_id"
           " WHERE NOT d.delivered ORDER BY d.created_at",
           "webhook_deliveries?select=event_type,payload,webhooks(url)&delivered=is.false&order=created_at")
    c.same("audit_logs, Sort by date", "SELECT id, action FROM audit_logs ORDER BY created_at DESC, id LIMIT 5",
           "audit_logs?select=id,action&order=created_at.desc,id&limit=5")
    status, headers, _ = c.ask("HEAD", "transactions", prefer="count=exact")
    count = c.select("SELECT count(*) FROM transactions")[0]["count"]
    c.ok("Table Statistics: n_live_tup of a table", status in (200, 206) and headers.get("Content-Range", "").endswith("/" + count),
         (status, headers.get("Content-Range")), count)
    c.write("trigger update_updated_at_column", "UPDATE webhooks SET retry_count = 3 WHERE id = '%s'" % key(10), "PATCH", "webhooks?id=eq." + key(10),
            {"retry_count": 3}, 204, ("SELECT retry_count, updated_at > created_at AS later FROM webhooks WHERE id = '%s'" % key(10),
                                      "webhooks?select=retry_count,created_at,updated_at&id=eq." + key(10), "service",
                                      lambda rows: [{"retry_count": r["retry_count"], "later": r["updated_at"] > r["created_at"]} for r in rows]))
    if c.system == "wallstreet":
        c.same("Sample Data: the default admin", "SELECT email, first_name, role, email_verified FROM users WHERE email = 'admin@wallstreet.com'",
               "users?select=email,first_name,role,email_verified&email=eq.admin@wallstreet.com")
        c.write("Sample Data: the INSERT once more",
                "INSERT INTO users (email, password_hash, first_name, last_name, role, email_verified)"
                " VALUES ('admin@wallstreet.com', 'x', 'Admin', 'User', 'admin', true)",
                "POST", "users", {"email": "admin@wallstreet.com", "password_hash": "x", "first_name": "Admin", "last_name": "User", "role": "admin",
                                  "email_verified": True}, 409, None)
    c.never("pg_database_size, pg_tables with pg_total_relation_size", "the catalog of a server; ledger info FILE says the sizes, /metrics what is served")
    c.never("pg_stat_activity, long running queries, active connections", "there are no connections to a database; /metrics counts requests")
    c.never("pg_stat_user_tables", "no column tablename; the count of a table is above, dead rows there are none")
    c.never("ALTER TABLE users ADD COLUMN two_factor_enabled and its rollback", "a schema is given to ledger init, not changed by requests; full has the columns")
    c.never("psql -f init.sql, pg_dump, restore", "ledger init, ledger backup, ledger export | psql")


# ---- smarthub-database-schema.md

def smarthub(c):
    names = lambda rows: [{k: v for k, v in r.items() if k != "user_roles"} | {"roles": sorted(u["roles"]["name"] for u in r["user_roles"])} for r in rows]
    plain = lambda rows: [r | {"roles": sorted(n for n in r["roles"] if n is not None)} for r in rows]
    for title, user in (("", c.ada), (", of one who has none", c.bob)):
        c.same("Find User with Roles" + title,
               "SELECT u.id, u.email, u.username, ARRAY_AGG(r.name) as roles FROM users u LEFT JOIN user_roles ur ON u.id = ur.user_id"
               " LEFT JOIN roles r ON ur.role_id = r.id WHERE u.id = '%s' GROUP BY u.id" % user,
               "users?select=id,email,username,user_roles!user_id(roles(name))&id=eq.%s" % user, "service", names, plain)
    status, _, got = c.ask("GET", "users?select=id,user_roles(roles(name))&id=eq." + c.ada)
    c.ok("Find User with Roles without saying by which of the two keys", status == 300 and got["code"] == "PGRST201", (status, got), "PGRST201")
    c.same("Get User's API Keys",
           "SELECT * FROM api_keys WHERE user_id = '%s' AND is_active = true AND (expires_at IS NULL OR expires_at > NOW()) ORDER BY created_at DESC" % c.ada,
           "api_keys?user_id=eq.%s&is_active=is.true&or=(expires_at.is.null,expires_at.gt.now)&order=created_at.desc" % c.ada)
    c.same("Audit Trail for Entity",
           "SELECT * FROM audit_logs WHERE entity_type = 'users' AND entity_id = '%s' ORDER BY created_at DESC LIMIT 50" % c.ada,
           "audit_logs?entity_type=eq.users&entity_id=eq.%s&order=created_at.desc&limit=50" % c.ada)
    c.same("Active Sessions", "SELECT * FROM sessions WHERE user_id = '%s' AND expires_at > NOW() ORDER BY created_at DESC" % c.ada,
           "sessions?user_id=eq.%s&expires_at=gt.now&order=created_at.desc" % c.ada)
    c.same("Soft deletes with deleted_at", "SELECT email FROM users WHERE deleted_at IS NULL ORDER BY email", "users?select=email&deleted_at=is.null&order=email")
    c.same("Row-Level Security: user_isolation, as a user", "SELECT id, email FROM users", "users?select=id,email", "ada")
    c.write("User can't have same role twice", "INSERT INTO user_roles (user_id, role_id) SELECT user_id, role_id FROM user_roles WHERE id = '%s'" % key(40), "POST", "user_roles",
            {k: v for k, v in c.select("SELECT user_id, role_id FROM user_roles WHERE id = '%s'" % key(40))[0].items()}, 409, None)
    c.write("API key length", "INSERT INTO api_keys (user_id, key_hash) VALUES ('%s', 'short')" % c.ada, "POST", "api_keys", {"user_id": c.ada, "key_hash": "short"}, 400, None)
    c.never("VACUUM, REINDEX", "a ledger file needs neither; SQLite's own VACUUM may be run on it")
    c.never("pg_dump, psql < backup.sql", "ledger backup, ledger export, ledger import")
    c.never("SET log_min_duration_statement, EXPLAIN ANALYZE", "the log has each request with its time; plans are not given out (406 PGRST107)")
    c.never("information_schema.tables with pg_total_relation_size", "ledger info FILE")
    c.never("migrations", "ledger init takes the whole schema")


# ---- elon-add-missing-tables.md

def elon(c):
    at = "quoted_at" if c.system == "full" else "timestamp"
    fee = "SELECT fee_type, percentage_fee, flat_fee, is_active, description FROM fee_config ORDER BY fee_type, percentage_fee, description"
    fees = "fee_config?select=fee_type,percentage_fee,flat_fee,is_active,description&order=fee_type,percentage_fee,description"
    c.same("Initialize Fee Configuration: the three rows came with the schema", fee, fees)
    if c.system == "elon":
        c.write("Initialize Fee Configuration: the INSERT itself",
                "INSERT INTO public.fee_config (fee_type, percentage_fee, flat_fee, is_active, description) VALUES ('withdrawal', 0.5, 0, true, 'Withdrawal fee 0.5%'),"
                " ('trading', 0.1, 0, true, 'Trading fee 0.1%'), ('deposit', 0, 0, true, 'Deposit fee (free)')",
                "POST", "fee_config", [
                    {"fee_type": "withdrawal", "percentage_fee": 0.5, "flat_fee": 0, "is_active": True, "description": "Withdrawal fee 0.5%"},
                    {"fee_type": "trading", "percentage_fee": 0.1, "flat_fee": 0, "is_active": True, "description": "Trading fee 0.1%"},
                    {"fee_type": "deposit", "percentage_fee": 0, "flat_fee": 0, "is_active": True, "description": "Deposit fee (free)"}], 201, (fee, fees))
    _, _, users = c.ask("GET", "users?select=id")
    c.write("Create Default User Settings: INSERT ... SELECT as a read and an upsert",
            "INSERT INTO public.user_settings (user_id, theme, language) SELECT id, 'dark', 'en' FROM public.users ON CONFLICT DO NOTHING",
            "POST", "user_settings?on_conflict=user_id", [{"user_id": u["id"], "theme": "dark", "language": "en"} for u in users], 201,
            ("SELECT user_id, theme, language, timezone, auto_logout_minutes FROM user_settings ORDER BY user_id",
             "user_settings?select=user_id,theme,language,timezone,auto_logout_minutes&order=user_id"), prefer="resolution=ignore-duplicates,missing=default")
    status, _, document = c.ask("GET", "")
    count = c.select("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'public'")[0]["count"]
    c.ok("Verification: count tables", status == 200 and str(len(document["definitions"])) == count, (status, len(document["definitions"])), count)
    found = sum("Foreign Key" in (p.get("description") or "") for d in document["definitions"].values() for p in d["properties"].values())
    keys = c.select("SELECT count(*) FROM information_schema.table_constraints AS c JOIN information_schema.tables AS t USING (table_schema, table_name)"
                    " WHERE table_schema = 'public' AND constraint_type = 'FOREIGN KEY' AND table_type = 'BASE TABLE'")[0]["count"]
    c.ok("Verification: foreign keys", str(found) == keys, found, keys)
    c.same("price_history: a range of time, newest first",
           "SELECT * FROM price_history WHERE crypto_type = 'BTC' AND %s >= '2026-04-02' AND %s < '2026-05-01' ORDER BY %s DESC" % (at, at, at),
           "price_history?crypto_type=eq.BTC&%s=gte.2026-04-02&%s=lt.2026-05-01&order=%s.desc" % (at, at, at))
    c.same("exchange_rates: the latest of a pair",
           "SELECT * FROM exchange_rates WHERE from_currency = 'BTC' AND to_currency = 'USD' ORDER BY %s DESC LIMIT 1" % at,
           "exchange_rates?from_currency=eq.BTC&to_currency=eq.USD&order=%s.desc&limit=1" % at)
    c.same("notifications: unread of a user", "SELECT * FROM notifications WHERE user_id = '%s' AND NOT is_read ORDER BY created_at DESC, id" % c.ada,
           "notifications?user_id=eq.%s&is_read=is.false&order=created_at.desc,id" % c.ada)
    c.same("deposit_addresses of a user", "SELECT crypto_type, address FROM deposit_addresses WHERE user_id = '%s' ORDER BY crypto_type" % c.ada,
           "deposit_addresses?select=crypto_type,address&user_id=eq.%s&order=crypto_type" % c.ada)
    c.same("fee_config: the fee in force", "SELECT fee_type, percentage_fee, flat_fee FROM fee_config WHERE fee_type = 'withdrawal' AND is_active",
           "fee_config?select=fee_type,percentage_fee,flat_fee&fee_type=eq.withdrawal&is_active=is.true")
    if c.system == "elon":
        sessions = ("SELECT session_token, is_active FROM sessions ORDER BY session_token", "sessions?select=session_token,is_active&order=session_token")
        c.write("sessions: log out all devices", "UPDATE sessions SET is_active = false WHERE user_id = %s" % c.ada, "PATCH", "sessions?user_id=eq.%s" % c.ada,
                {"is_active": False}, 204, sessions)
        c.write("Regularly purge old sessions", "DELETE FROM sessions WHERE expires_at < now()", "DELETE", "sessions?expires_at=lt.now", None, 204, sessions)
        c.same("Archive old audit_logs: those of more than a year ago", "SELECT * FROM audit_logs WHERE created_at < '2025-01-01' ORDER BY created_at",
               "audit_logs?created_at=lt.2025-01-01&order=created_at")
    c.never("\\dt, psql -f add_missing_tables.sql", "ledger info FILE, ledger init FILE --schema=add_missing_tables.sql")
    c.never("VACUUM on high-activity tables, PARTITION price_history", "SQLite keeps what is deleted for what is inserted; a table is one tree")


# ---- pe-investor-portal-database.md

def pe_portal(c):
    c.same("User Authentication, without the tenants that no table has", "SELECT u.* FROM users u WHERE u.email = '%s' AND u.is_active = true" % ADDRESS,
           "users?email=eq.%s&is_active=is.true" % ADDRESS)
    since = "2026-06-02"
    c.same("Audit Trail Query, without tenant_id",
           "SELECT * FROM audit_logs WHERE user_id = '%s' AND created_at >= '%s' ORDER BY created_at DESC%s" % (c.ada, since, ", id" if c.system == "full" else ""),
           "audit_logs?user_id=eq.%s&created_at=gte.%s&order=created_at.desc%s" % (c.ada, since, ",id" if c.system == "full" else ""))
    token = "refresh_token" if c.system == "pe_portal" else "token_hash"
    for value in ["r0", "r1", "r2", "none"] if c.system == "pe_portal" else [digits(61), digits(60), "none"]:
        c.same("Session Validation of %s" % value[-2:], "SELECT * FROM sessions WHERE %s = '%s' AND is_revoked = false AND expires_at > NOW()" % (token, value),
               "sessions?%s=eq.%s&is_revoked=is.false&expires_at=gt.now" % (token, value))
    c.same("EXPLAIN's query: a user by address", "SELECT * FROM users WHERE email = '%s'" % ADDRESS, "users?email=eq." + ADDRESS)
    if c.system == "pe_portal":
        logs = ("SELECT * FROM audit_logs ORDER BY id", "audit_logs?order=id")
        c.write("Audit records are immutable: no update", "UPDATE audit_logs SET action = 'x' WHERE id = 'l0'", "PATCH", "audit_logs?id=eq.l0", {"action": "x"}, 400, logs)
        c.write("Audit records are immutable: no delete", "DELETE FROM audit_logs WHERE id = 'l0'", "DELETE", "audit_logs?id=eq.l0", None, 400, logs)
        c.write("Expired sessions are cleaned up", "DELETE FROM sessions WHERE expires_at < now()", "DELETE", "sessions?expires_at=lt.now", None, 204,
                ("SELECT id FROM sessions ORDER BY id", "sessions?select=id&order=id"))
    c.never("u JOIN tenants t ON u.tenant_id = t.id", "there is no such table and no such column, the document says so itself")
    c.never("pg_stat_user_indexes, pg_tables, pg_stat_activity, pg_stat_statements, pg_locks", "the catalog of a server; ledger info, /metrics and the log")
    c.never("SELECT 1, EXPLAIN ANALYZE", "GET /ready; plans are not given out (406 PGRST107)")
    c.never("Prisma migrations", "ledger init takes their SQL, ledger schema --check says what of it is refused")


# ---- advancia-migration-guide.md

def advancia(c):
    full = c.system == "full"
    kind = "notification_type" if full else "type"
    reminder = {"notification_type": "system", "subtype": "appointment_reminder"} if full else {"type": "appointment_reminder"}
    created = [
        ("Test 1: Create Notification", "notifications", 300, dict(message="Your appointment is tomorrow at 2 PM", **({"is_read": False} if full else {"read": False}), **reminder)),
        ("Test 2: Log AI Command", "ai_command_logs", 301, {"model": "gemini-pro", "input": {"prompt": "Analyze my health data"}, "output": {"response": "Analysis complete"},
                                                            "status": "COMPLETED"}),
        ("Test 3: Create Crypto Withdrawal", "crypto_withdrawals", 302, {"amount": 100.50, "currency": "USDC", "status": "PENDING"}),
        ("Test 4: Store Vector Memory", "vector_memory", 303, {"embedding": {"vector": [0.1, 0.2, 0.3]}, "context": "User preferences for healthcare"}),
    ]
    for title, table, number, values in created:
        if full and table == "crypto_withdrawals":
            c.never("crypto_withdrawals by plain rows, in full", "a payout is the book's: rpc, ledger payout; 42501 otherwise")
            continue
        row = {"id": key(number), "user_id": c.ada} | values | {"created_at": "2026-08-01 00:00:00"} | ({"updated_at": "2026-08-01 00:00:00"} if table == "crypto_withdrawals" else {})
        columns = ", ".join(row)
        texts = ", ".join("'%s'" % (json.dumps(v) if isinstance(v, dict) else str(v).lower() if isinstance(v, bool) else v) for v in row.values())
        c.write(title, "INSERT INTO %s (%s) VALUES (%s)" % (table, columns, texts), "POST", table, row, 201,
                ("SELECT %s FROM %s WHERE id = '%s'" % (columns, table, key(number)), "%s?select=%s&id=eq.%s" % (table, columns.replace(" ", ""), key(number))))
    owned = {"notifications": 200, "ai_command_logs": 210, "vector_memory": 230} | ({} if full else {"crypto_withdrawals": 220})
    for table, first in owned.items():
        order = "created_at, id"
        c.same("RLS, %s: users SELECT own" % table, "SELECT * FROM %s ORDER BY %s" % (table, order), "%s?order=created_at,id" % table, "ada")
        count = c.same("RLS, %s: and not others'" % table, "SELECT id FROM %s WHERE id = '%s'" % (table, key(first + 2)), "%s?select=id&id=eq.%s" % (table, key(first + 2)), "ada")
        del count
    everything = lambda table: ("SELECT * FROM %s ORDER BY id" % table, "%s?order=id" % table)
    done = "is_read" if full else "read"
    c.write("RLS, notifications: mark as read", "UPDATE notifications SET %s = true WHERE id = '%s'" % (done, key(200)), "PATCH", "notifications?id=eq." + key(200), {done: True}, 204,
            everything("notifications"), "ada")
    c.write("RLS, notifications: not another's", "UPDATE notifications SET %s = true WHERE id = '%s'" % (done, key(202)), "PATCH", "notifications?id=eq." + key(202), {done: True}, 204,
            everything("notifications"), "ada")
    c.write("RLS, notifications: cannot DELETE", "DELETE FROM notifications WHERE id = '%s'" % key(200), "DELETE", "notifications?id=eq." + key(200), None, 204,
            everything("notifications"), "ada")
    for table, first, change in (("ai_command_logs", 210, {"model": "x"}), ("crypto_withdrawals", 220, {"currency": "BTC"})):
        if full and table == "crypto_withdrawals":
            continue
        name, value = next(iter(change.items()))
        c.write("RLS, %s: no UPDATE" % table, "UPDATE %s SET %s = '%s' WHERE id = '%s'" % (table, name, value, key(first)), "PATCH", "%s?id=eq.%s" % (table, key(first)), change, 204,
                None, "ada")
        c.write("RLS, %s: no DELETE" % table, "DELETE FROM %s WHERE id = '%s'" % (table, key(first)), "DELETE", "%s?id=eq.%s" % (table, key(first)), None, 204,
                ("SELECT id, %s FROM %s ORDER BY id" % (name, table), "%s?select=id,%s&order=id" % (table, name)), "ada")
    log = {"id": key(310), "user_id": c.ada, "model": "m", "input": {}}
    c.write("RLS, ai_command_logs: INSERT own", "INSERT INTO ai_command_logs (id, user_id, model, input) VALUES ('%s', '%s', 'm', '{}')" % (key(310), c.ada), "POST",
            "ai_command_logs", log, 201, ("SELECT id FROM ai_command_logs ORDER BY id", "ai_command_logs?select=id&order=id"), "ada")
    c.write("RLS, ai_command_logs: not for another", "INSERT INTO ai_command_logs (id, user_id, model, input) VALUES ('%s', '%s', 'm', '{}')" % (key(311), c.bob), "POST",
            "ai_command_logs", log | {"id": key(311), "user_id": c.bob}, 403, None, "ada")
    if not full:
        c.write("RLS, crypto_withdrawals: INSERT own", "INSERT INTO crypto_withdrawals (id, user_id, amount, currency) VALUES ('%s', '%s', 2, 'BTC')" % (key(312), c.ada), "POST",
                "crypto_withdrawals", {"id": key(312), "user_id": c.ada, "amount": 2, "currency": "BTC"}, 201,
                ("SELECT id, amount FROM crypto_withdrawals ORDER BY id", "crypto_withdrawals?select=id,amount&order=id"), "ada")
    memory = ("SELECT id, context FROM vector_memory ORDER BY id", "vector_memory?select=id,context&order=id")
    c.write("RLS, vector_memory: UPDATE own", "UPDATE vector_memory SET context = 'new'", "PATCH", "vector_memory?id=not.is.null", {"context": "new"}, 204, memory, "ada")
    c.write("RLS, vector_memory: DELETE own", "DELETE FROM vector_memory", "DELETE", "vector_memory?id=not.is.null", None, 204, memory, "ada")
    for path, table in (("notifications", "notifications"), ("ai-commands", "ai_command_logs"), ("crypto-withdrawals", "crypto_withdrawals"), ("vector-memory", "vector_memory")):
        c.same("app.use('/api/%s')" % path, "SELECT id FROM %s ORDER BY id" % table, "/api/" + path, "ada",
               lambda rows: sorted(({"id": r["id"]} for r in rows), key=lambda r: r["id"]))
    c.never("pg_tables.rowsecurity, pg_policies", "ledger schema %s --policies, ledger_policies()" % c.system)
    c.never("prisma migrate, DROP TABLE IF EXISTS ... CASCADE", "ledger init takes the whole schema")


def full(c):
    wallstreet(c)
    smarthub(c)
    elon(c)
    pe_portal(c)
    advancia(c)


if __name__ == "__main__":
    if sys.argv[1] in ("rows", "operations"):
        for line in (rows if sys.argv[1] == "rows" else operations)(*sys.argv[2:]):
            print(json.dumps(line))
    else:
        check = Check(*sys.argv[2:])
        globals()[check.system](check)
        check.psql.communicate()
        sys.exit(1 if check.failed else 0)
