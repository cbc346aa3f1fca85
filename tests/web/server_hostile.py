"""The server under good and bad clients. Called by test_server.sh."""
import datetime
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time

from server_client import LEDGER, Reader, Server, Tap, is_closed, read_reply

work = sys.argv[1]
tap = Tap()
file = os.path.join(work, "served.db")
MIB = 1024 * 1024


def run(*words):
    return subprocess.run([LEDGER, *words], capture_output=True, text=True, timeout=60, check=False)


# ---- starting
tap.equal("no file", run("serve", os.path.join(work, "none.db")).returncode, 2)
for where in ("[::1]:8080", "::1:8080", "example.com:80", "127.0.0.1:70000", "127.0.0.1", "1.2.3.4.5:1"):
    tap.equal(f"listening on {where} is refused", run("serve", file, "--schema=elon", f"--listen={where}").returncode, 2)
tap.ok("IPv6 by its name", "IPv6" in run("serve", file, "--listen=[::1]:80").stderr)

server = Server(file, "--schema=full", "--request-timeout=2", "--idle-timeout=5", "--body-max=1048576")
tap.ok("prints where it listens", server.port is not None, server.lines)
tap.ok("a port below the system's own", 20000 <= (server.port or 0) <= 32767, server.port)
busy = run("serve", file, f"--listen=127.0.0.1:{server.port}")
tap.equal("a port that is taken", busy.returncode, 2)
tap.ok("says so", "in use" in busy.stderr, busy.stderr)

# ---- plain requests
reply = server.get("/live")
tap.equal("live", (reply.status, reply.json()), (200, {"status": "pass"}))
tap.ok("has a date", re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", reply.headers.get("date", "")), reply.headers)
tap.ok("a server", reply.headers.get("server", "").startswith("ledger/"), reply.headers)
tap.ok("an id", len(reply.headers.get("x-request-id", "")) >= 8, reply.headers)
tap.equal("ready", server.get("/ready").status, 200)
tap.equal("readyz", server.get("/readyz").status, 200)
tap.equal("an id that is given comes back", server.get("/live", headers=["X-Request-Id: a-b_c.1"]).headers["x-request-id"], "a-b_c.1")
for bad in ("a b", "x" * 64, '"', "a\tb"):
    tap.ok(f"but not {bad[:8]!r}", server.get("/live", headers=[f"X-Request-Id: {bad}"]).headers.get("x-request-id", "") != bad)
with server.connect() as connection:
    connection.sendall(b"HEAD /live HTTP/1.1\r\nHost: x\r\n\r\nGET /live HTTP/1.1\r\nHost: x\r\n\r\n")
    reader = Reader(connection)
    head = read_reply(reader, has_body=False)
    tap.equal("HEAD has the length, and no body", head.headers["content-length"], "17")
    tap.equal("what follows it", read_reply(reader).status, 200)
tap.status("no such path", server.get("/nope"), 404)
tap.status("the root", server.get("/"), 404)
reply = server.get("/live", method="DELETE")
tap.status("DELETE of what is read", reply, 405)
tap.equal("allowed are", reply.headers.get("allow"), "GET, HEAD, OPTIONS")
reply = server.get("/live", method="OPTIONS")
tap.equal("OPTIONS", (reply.status, reply.headers.get("allow")), (200, "GET, HEAD, OPTIONS"))

# ---- CORS
reply = server.get("/live", headers=["Origin: http://a.example"])
tap.equal("a page of any origin may read it", reply.headers.get("access-control-allow-origin"), "*")
exposed = reply.headers.get("access-control-expose-headers", "")
for name in ("Content-Range", "X-Total-Count", "Link", "X-Supabase-Api-Version", "Location", "Retry-After"):
    tap.ok(f"and the header {name}", name in exposed.split(", "), exposed)
reply = server.get("/live", method="OPTIONS", headers=["Origin: http://a.example", "Access-Control-Request-Method: POST",
                                                       "Access-Control-Request-Headers: apikey,x-client-info"])
tap.equal("a preflight", (reply.status, reply.body), (200, b""))
tap.ok("all methods", "PATCH" in reply.headers.get("access-control-allow-methods", ""))
tap.ok("the headers that were asked for", "apikey,x-client-info" in reply.headers.get("access-control-allow-headers", ""))
tap.equal("for a day", reply.headers.get("access-control-max-age"), "86400")

# ---- requests that cannot be read
for title, raw, wanted in (
        ("no request", b"hello\r\n\r\n", 400),
        ("a method that nobody knows", b"FOO /live HTTP/1.1\r\n\r\n", 405),
        ("one of WebDAV", b"PROPFIND /live HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        ("TRACE", b"TRACE /live HTTP/1.1\r\n\r\n", 405),
        ("a version to come", b"GET /live HTTP/3.0\r\n\r\n", 505),
        ("no version", b"GET /live\r\n\r\n", 400),
        ("a NUL in the line", b"GET /li\0ve HTTP/1.1\r\n\r\n", 400),
        ("a control character in a header", b"GET /live HTTP/1.1\r\nA: \x01\r\n\r\n", 400),
        ("a header without a colon", b"GET /live HTTP/1.1\r\nA\r\n\r\n", 400),
        ("no Host", b"GET /live HTTP/1.1\r\n\r\n", 400),
        ("a folded header", b"GET /live HTTP/1.1\r\nHost: x\r\nA: b\r\n c: d\r\nContent-Length: 3\r\n\r\nabc", 400),
        ("a header without a name", b"GET /live HTTP/1.1\r\nHost: x\r\n: d\r\nContent-Length: 3\r\n\r\nabc", 400),
        ("a space before the colon", b"GET /live HTTP/1.1\r\nHost: x\r\nContent-Length : 3\r\n\r\nabc", 400),
        ("lines that end with LF", b"GET /live HTTP/1.1\nHost: x\n\n", 400),
        ("no path at all", b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("a path without its slash", b"GET live HTTP/1.1\r\n\r\n", 400)):
    tap.status(title, server.send(raw), wanted)
tap.equal("a path behind a host", server.send(b"GET http://elsewhere.example/live?a=1 HTTP/1.1\r\nHost: x\r\n\r\n").status, 200)
for path in ("/rest/v1/a%2Fb", "/rest/v1/a%00b", "/rest/v1/a%zz", "/rest/v1/a%2", "/rest/v1/%ff", "/rest/v1/a%5cb", "/%0a", "/%c0%af"):
    tap.status(f"the path {path}", server.get(path), 400)

# ---- limits of the head
tap.equal("a line of 60 KiB", server.get("/nope?in=" + "x" * (60 * 1024)).status, 404)
tap.status("a line of 70 KiB", server.get("/live?in=" + "x" * (70 * 1024)), 414)
tap.equal("63 headers", server.get("/live", headers=[f"H{i}: 1" for i in range(61)]).status, 200)
tap.status("64 headers", server.get("/live", headers=[f"H{i}: 1" for i in range(64)]), 431)
tap.status("1000 headers", server.get("/live", headers=[f"H{i}: 1" for i in range(1000)]), 431)
tap.equal("headers of 60 KiB", server.get("/live", headers=["A: " + "x" * (60 * 1024)]).status, 200)
tap.status("headers of 70 KiB", server.get("/live", headers=["A: " + "x" * (70 * 1024)]), 431)
tap.status("a header bomb", server.send(b"GET /live HTTP/1.1\r\nA: " + b"x" * (4 * MIB)), 431)

# ---- bodies
post = b"POST /live HTTP/1.1\r\nHost: x\r\n"
tap.equal("a body", server.get("/live", method="POST", body=b"x" * 100).status, 405)
tap.equal("as large as it may be", server.get("/live", method="POST", body=b"x" * MIB).status, 405)
before = time.monotonic()
tap.status("1 GB announced", server.send(post + b"Content-Length: 1073741824\r\n\r\nabc"), 413)
tap.ok("at once", time.monotonic() - before < 1.9, time.monotonic() - before)
tap.status("larger, and sent", server.get("/live", method="POST", body=b"x" * (MIB + 1)), 413)
chunk = lambda text: b"%x\r\n%s\r\n" % (len(text), text)
chunked = post + b"Transfer-Encoding: chunked\r\n\r\n"
with server.connect() as connection:
    connection.sendall(chunked + chunk(b"abc") + chunk(b"d" * 50000) + b"0\r\n\r\n" + b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n")
    reader = Reader(connection)
    tap.equal("chunks", read_reply(reader).status, 405)
    tap.equal("and the next request", read_reply(reader).status, 200)
tap.status("chunks without end", server.send(chunked + chunk(b"x" * 65536) * 17), 413)
tap.status("chunks that are none", server.send(chunked + b"zz\r\n"), 400)
tap.status("a chunk of more than there can be", server.send(chunked + b"ffffffffffffffff\r\n" + b"x" * 2000000), 400)
tap.status("a chunk that is too large", server.send(chunked + b"7fffffff\r\n" + b"x" * 2000000), 413)
for title, headers in (("two lengths", b"Content-Length: 3\r\nContent-Length: 4\r\n"),
                       ("the same length twice", b"Content-Length: 3\r\nContent-Length: 3\r\n"),
                       ("a length and chunks", b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"),
                       ("a length below zero", b"Content-Length: -1\r\n"),
                       ("a length with a sign", b"Content-Length: +3\r\n"),
                       ("a length that is no number", b"Content-Length: 3x\r\n"),
                       ("a length beyond all numbers", b"Content-Length: 99999999999999999999\r\n"),
                       ("a coding that is not known", b"Transfer-Encoding: gzip\r\n"),
                       ("two codings", b"Transfer-Encoding: gzip, chunked\r\n")):
    reply = server.send(post + headers + b"\r\nabc")
    tap.ok(title, reply and reply.status in (400, 413), reply and reply.status)
with server.connect() as connection:
    connection.sendall(post + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n")
    reader = Reader(connection)
    tap.equal("an expectation is met", read_reply(reader).status, 100)
    connection.sendall(b"abc")
    tap.equal("before the reply", read_reply(reader).status, 405)
tap.status("or refused", server.send(post + b"Content-Length: 9999999\r\nExpect: 100-continue\r\n\r\n"), 413)
tap.status("another expectation", server.send(post + b"Content-Length: 3\r\nExpect: tea\r\n\r\nabc"), 417)

waiting = [server.connect() for _ in range(40)]
for connection in waiting:
    connection.sendall(post + b"Content-Length: 1048576\r\n\r\nabc")
tap.equal("bodies that do not come leave room for one that does", server.get("/live", method="POST", body=b"x" * MIB).status, 405)
for connection in waiting:
    connection.close()

# ---- time
before = time.monotonic()
tap.status("half a request", server.send(b"GET /live HTTP/1.1\r\nHos"), 408)
tap.status("half a body", server.send(post + b"Content-Length: 10\r\n\r\nabc"), 408)
tap.ok("after the time there is", 3.5 < time.monotonic() - before < 9, time.monotonic() - before)


def drip():
    with server.connect() as connection:
        connection.sendall(post + b"Content-Length: 1000\r\n\r\n")
        reader = Reader(connection)
        connection.settimeout(0.3)
        for _ in range(100):
            try:
                connection.sendall(b"x")
                return read_reply(reader).status if reader.more() else None
            except socket.timeout:
                continue
            except OSError:
                return None
    return None


tap.equal("a body a byte at a time", drip(), 408)
with server.connect() as connection:
    tap.ok("a connection that says nothing is closed", is_closed(connection))
with server.connect() as connection:
    connection.sendall(b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n")
    tap.equal("one that has asked", read_reply(Reader(connection)).status, 200)
    tap.ok("later", is_closed(connection))

# ---- many connections
connections = [server.connect() for _ in range(90)]
good = 0
for _ in range(5):
    for connection in connections:
        connection.sendall(b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n")
    for connection in connections:
        reply = read_reply(Reader(connection))
        good += bool(reply and reply.status == 200)
tap.equal("90 connections that stay, 5 requests each", good, 450)
for connection in connections:
    connection.close()
with server.connect() as connection:
    connection.sendall(b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n" * 200)
    reader = Reader(connection)
    tap.equal("200 requests at once on one", [read_reply(reader).status for _ in range(200)], [200] * 200)
with server.connect() as connection:
    connection.sendall(b"GET /live HTTP/1.0\r\n\r\n")
    tap.equal("HTTP/1.0", read_reply(Reader(connection)).status, 200)
    tap.ok("ends with the reply", is_closed(connection))
with server.connect() as connection:
    connection.sendall(b"GET /live HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" * 2)
    reader = Reader(connection)
    tap.equal("unless asked not to", [read_reply(reader).headers.get("connection") for _ in range(2)], ["keep-alive"] * 2)
with server.connect() as connection:
    connection.sendall(b"GET /live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    tap.equal("a client that wants to end", read_reply(Reader(connection)).headers.get("connection"), "close")
    tap.ok("is left", is_closed(connection))

soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
wanted = min(10000, hard - 500)
files = server.files()
idle, refused = [], 0
for _ in range(wanted):
    connection = socket.socket()
    connection.setblocking(False)
    if connection.connect_ex(("127.0.0.1", server.port)) not in (0, 115):
        refused += 1
    idle.append(connection)
before = time.monotonic()
reply = server.get("/live")
took = time.monotonic() - before
tap.equal(f"among {wanted} connections that say nothing one is served", reply and reply.status, 200)
print(f"# after {took:.1f} s; {refused} refused", flush=True)
for connection in idle:
    connection.close()
tap.equal("and when they have gone", server.get("/live").status, 200)
before = time.monotonic()
while server.files() > files and time.monotonic() - before < 20:
    server.get("/live")
tap.ok("nothing of them is left", server.files() <= files, (files, server.files()))

# ---- what is told
secrets = ["s3cr3t-key-value", "s3cr3t-bearer", "s3cr3t-query", "s3cr3t-body", "s3cr3t-cookie", "s3cr3t-path"]
server.get(f"/rest/v1/{secrets[5]}?a=eq.{secrets[2]}", method="POST", body=secrets[3].encode(),
           headers=[f"apikey: {secrets[0]}", f"Authorization: Bearer {secrets[1]}", f"Cookie: a={secrets[4]}",
                    "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "X-Request-Id: told"])
log = server.log()
while '"request_id":"told"' not in log:
    log = server.log()
for secret in secrets:
    tap.ok(f"the log has no {secret}", secret not in log)
lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
tap.equal("the log is lines of JSON", len(lines), len(log.splitlines()))
told = [line for line in lines if line.get("request_id") == "told"]
tap.equal("one for the request", len(told), 1)
tap.equal("with what it was", [told[0].get(name) for name in ("msg", "method", "trace_id")],
          ["request", "POST", "4bf92f3577b34da6a3ce929d0e0e4736"])
tap.ok("and how it went", {"ts", "level", "route", "status", "duration_ms", "bytes", "role"} <= set(told[0]), told[0])
metrics = server.get("/metrics")
tap.equal("metrics are text", metrics.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8")
pattern = re.compile(r'(# (HELP|TYPE) .*|[a-z_]+(\{[a-z_]+="[^"\\]*"(,[a-z_]+="[^"\\]*")*\})? [0-9.e+-]+)')
bad = [line for line in metrics.body.decode().splitlines() if not pattern.fullmatch(line)]
tap.equal("each line is a sample", bad, [])
count = re.search(r'duration_seconds_count\{http_request_method="GET",http_response_status_code="200",http_route="/live"\} (\d+)',
                  metrics.body.decode())
gets = [line for line in lines if (line.get("method"), line.get("route"), line.get("status")) == ("GET", "/live", 200)]
tap.equal("as many as are in the log", int(count.group(1)), len(gets))

# ---- two servers, and the end
other = Server(file, "--quiet")
tap.equal("another server on the same file", other.get("/ready").status, 200)
tap.equal("stops", other.stop(signal.SIGINT), 0)
tap.equal("quietly", other.log(), "")
tap.equal("the first goes on", server.get("/ready").status, 200)


def hammer(results):
    while True:
        try:
            with server.connect() as connection:
                reader = Reader(connection)
                while True:
                    connection.sendall(b"GET /ready HTTP/1.1\r\nHost: x\r\n\r\n")
                    reply = read_reply(reader)
                    if not reply:
                        break
                    results.append(reply.status)
                    if reply.headers.get("connection") == "close":
                        break
        except OSError:
            return


# ---- several addresses, fewer threads than connections, holds past their time
several = Server(file, "--listen=127.0.0.1:0,127.0.0.1:0", "--threads=4", "--quiet")
while sum(line.startswith("listening on ") for line in several.lines) < 2:
    several.lines.append(several.process.stdout.readline().decode().rstrip("\n"))
ports = [int(line.rsplit(":", 1)[1]) for line in several.lines if line.startswith("listening on ")]
tap.equal("two addresses", len(set(ports)), 2)
statuses = []
for several.port in ports:
    statuses.append(several.get("/live").status)
tap.equal("both are served", statuses, [200, 200])


def patient(results):
    for _ in range(50):
        with several.connect() as connection:
            connection.sendall(b"GET /ready HTTP/1.1\r\nHost: x\r\n\r\n")
            results.append(read_reply(Reader(connection)))


held = [several.connect() for _ in range(8)]
for connection in held:
    connection.sendall(b"POST /live HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx")
before = time.monotonic()
tap.equal("half bodies do not keep others waiting", several.get("/live").status, 200)
tap.ok("for long", time.monotonic() - before < 7, time.monotonic() - before)
for connection in held:
    connection.close()
results = []
threads = [threading.Thread(target=patient, args=(results,)) for _ in range(16)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
tap.equal("16 clients and 4 threads", [reply.status for reply in results if reply], [200] * 800)
several.stop()

fan = os.path.join(work, "fan.sql")
with open(fan, "w", encoding="ascii") as out:
    out.write("CREATE TABLE items (id integer PRIMARY KEY, name text NOT NULL);"
              "CREATE TABLE parts (id integer PRIMARY KEY, item_id integer NOT NULL REFERENCES items(id));"
              "CREATE INDEX parts_item ON parts(item_id);")
slow = Server(os.path.join(work, "fan.db"), f"--schema={fan}", "--open", "--timeout=20", "--quiet")
headers = ["Content-Type: application/json"]
slow.get("/rest/v1/items", method="POST", headers=headers, body=json.dumps([{"id": number, "name": "n"} for number in range(3)]).encode())
slow.get("/rest/v1/parts", method="POST", headers=headers,
         body=json.dumps([{"id": number, "item_id": number % 3} for number in range(900)]).encode())
statuses = []


def fan_out():
    reply = slow.get("/rest/v1/items?select=id,parts(items(parts(items(parts(items(parts(count())))))))")
    statuses.append(reply.status if reply else None)


threads = [threading.Thread(target=fan_out) for _ in range(4)]
for thread in threads:
    thread.start()
while b"http_server_active_requests 5" not in slow.get("/metrics").body and len(statuses) < 4:
    time.sleep(0.02)
with socket.create_connection(("127.0.0.1", slow.port), source_address=("127.0.0.2", 0)) as connection:
    connection.sendall(b"GET /rest/v1/items?id=eq.1 HTTP/1.1\r\nHost: x\r\n\r\n")
    tap.equal("slow requests of one address leave a handle to another", read_reply(Reader(connection)).status, 200)
tap.equal("and ready is ready", slow.get("/ready").status, 200)
tap.equal("while they are in work", statuses, [])
slow.process.kill()
for thread in threads:
    thread.join()
slow.stop()

book = os.path.join(work, "book.db")
run("init", book)
for name in ("PAYER", "PAYEE"):
    run("account", "open", book, "USD", f"--number={name}")
run("deposit", book, "PAYER", "100.00")
soon = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=0.8)).isoformat()
tap.equal("a hold for a moment", run("hold", book, "PAYER", "40.00", "PAYEE", f"--expires-at={soon}", "--ref=H1").returncode, 0)
tap.equal("holds", json.loads(run("account", "show", book, "PAYER", "--json").stdout)["available"], "60.00")
keeper = Server(book, "--quiet")
before = time.monotonic()
while time.monotonic() - before < 10:
    shown = json.loads(run("account", "show", book, "PAYER", "--json").stdout)
    if shown["available"] == "100.00":
        break
    time.sleep(0.1)
tap.equal("is given back when it is past its time", shown["available"], "100.00")
keeper.stop()

# ---- who may ask how often
made = run("key", "create", file, "--role=service_role", "--rate-limit=5")
key = made.stdout.strip().splitlines()[-1].split()[-1] if made.returncode == 0 else None
tap.ok("a key with a limit", key is not None, made.stderr)
if key:
    replies = [server.get("/rest/v1/users?limit=1", headers=[f"apikey: {key}"]) for _ in range(6)]
    tap.equal("five a minute", [reply.status for reply in replies], [200] * 5 + [429])
    tap.equal("its policy", replies[0].headers.get("ratelimit-policy"), '"key";q=5;w=60')
    tap.ok("what is left", re.fullmatch(r'"key";r=4;t=1[12]', replies[0].headers.get("ratelimit", "")), replies[0].headers)
    tap.ok("when to come again", 1 <= int(replies[5].headers.get("retry-after", "0")) <= 12, replies[5].headers)
    tap.status("in the words of its route", replies[5], 429)
strict = Server(file, "--sign-ins=3", "--anon-requests=5", "--quiet")
wrong = json.dumps({"email": "nobody@example.com", "password": "wrong-password"}).encode()
replies = [strict.get("/auth/v1/token?grant_type=password", method="POST", body=wrong, headers=["Content-Type: application/json"])
           for _ in range(4)]
tap.equal("three sign-ins", [reply.status for reply in replies], [400, 400, 400, 429])
tap.equal("in the words of theirs", sorted(replies[3].json())[0:2], ["code", "error_code"] if "error_code" in replies[3].json() else ["code", "message"])
tap.ok("when to come again", int(replies[3].headers.get("retry-after", "0")) >= 1, replies[3].headers)
replies = [strict.get("/rest/v1/users?limit=1") for _ in range(6)]
tap.equal("five a minute of an address without a user, four of them at signing in", [reply.status == 429 for reply in replies], [False] + [True] * 5)
strict.stop()

proxied = Server(file, "--behind-proxy", "--quiet")
tap.equal("what a proxy says is its last word", proxied.get("/metrics", headers=["X-Forwarded-For: 127.0.0.1", "X-Forwarded-For: 127.0.0.1, 10.0.0.1"]).status, 403)
tap.equal("of this machine", proxied.get("/metrics", headers=["X-Forwarded-For: 10.0.0.1", "X-Forwarded-For: 127.0.0.1"]).status, 200)
proxied.stop()

# ---- others than this machine
public = run("serve", os.path.join(work, "public.db"), "--schema=wallstreet", "--listen=0.0.0.0:0")
tap.equal("a published password is not served to others", public.returncode, 1)
tap.ok("and is named", "published" in public.stderr, public.stderr)

# ---- HTTPS
tap.equal("a certificate that is not there", run("serve", file, "--listen=127.0.0.1:0", "--tls=/nowhere.pem").returncode, 2)
tap.equal("or is none", run("serve", file, "--listen=127.0.0.1:0", f"--tls={__file__}").returncode, 2)
certificate = os.path.join(work, "tls.pem")
subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", certificate + ".key",
                "-out", certificate + ".crt", "-days", "2", "-subj", "/CN=localhost"], capture_output=True, check=True)
with open(certificate, "w", encoding="ascii") as out:
    for part in (".crt", ".key"):
        with open(certificate + part, encoding="ascii") as text:
            out.write(text.read())
secure = Server(file, f"--tls={certificate}", "--request-timeout=2", "--body-max=1048576")
tap.ok("HTTPS", secure.is_secure, secure.lines)
tap.equal("live", secure.get("/live").status, 200)
tap.equal("a body that comes in many records", secure.get("/live", method="POST", body=b"x" * MIB).status, 405)
tap.equal("and one that is too large", secure.get("/live", method="POST", body=b"x" * (MIB + 1)).status, 413)
with secure.connect() as connection:
    connection.sendall(b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n" * 200)
    reader = Reader(connection)
    tap.equal("200 requests at once", [read_reply(reader).status for _ in range(200)], [200] * 200)
with socket.create_connection(("127.0.0.1", secure.port)) as connection:
    connection.sendall(b"GET /live HTTP/1.1\r\n\r\n")
    connection.settimeout(10)
    try:
        said = connection.recv(100)
    except ConnectionResetError:
        said = b""
    tap.ok("who speaks no TLS gets no HTTP", not said.startswith(b"HTTP"))
with socket.create_connection(("127.0.0.1", secure.port)) as connection:
    connection.settimeout(10)
    tap.ok("who says nothing is left", is_closed(connection))
tap.ok("the log has the client's address", '"address":"127.0.0.1"' in secure.log(), secure.log()[:300])
tap.equal("stops", secure.stop(), 0)

# ---- a client that does not take what it has asked for, and a disk that takes no more
schema = os.path.join(work, "notes.sql")
with open(schema, "w", encoding="ascii") as out:
    out.write("CREATE TABLE notes (id bigint PRIMARY KEY, body text NOT NULL);")
notes = os.path.join(work, "notes.db")
tap.equal("a schema of one's own", run("init", notes, f"--schema={schema}").returncode, 0)
rows = "".join(json.dumps({"table": "notes", "row": {"id": number, "body": "x" * 10000}}) + "\n" for number in range(2000))
subprocess.run([LEDGER, "load", notes, "--quiet"], input=rows, capture_output=True, text=True, check=True)
limit = 3 * MIB  # of the write-ahead log
server_of_notes = Server(notes, "--open", "--request-timeout=1", "--show-keys",
                         before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
key = server_of_notes.key("service_role")
ask = f"GET /rest/v1/notes HTTP/1.1\r\nHost: x\r\napikey: {key}\r\n\r\n".encode()
with server_of_notes.connect() as connection:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.sendall(ask)
    before = time.monotonic()
    while '"route":"/rest/v1/{table}"' not in server_of_notes.log() and time.monotonic() - before < 30:
        time.sleep(0.05)
    tap.ok("20 MB that nobody takes are given up", time.monotonic() - before < 30)
reply = server_of_notes.send(ask)
tap.ok("and given to who does", reply.status == 200 and len(reply.json()) == 2000, reply.status)
replies = []
for number in range(400):
    body = json.dumps({"id": 10000 + number, "body": "y" * 20000}).encode()
    replies.append(server_of_notes.get("/rest/v1/notes", method="POST", body=body, headers=[f"apikey: {key}", "Content-Type: application/json"]))
    if replies[-1].status != 201:
        break
tap.ok("a disk that takes no more", replies[-1].status >= 500, replies[-1].status)
tap.equal("is an error of the write", sorted(replies[-1].json()), ["code", "details", "hint", "message"])
tap.equal("reading goes on", server_of_notes.get("/rest/v1/notes?select=id&limit=1", headers=[f"apikey: {key}"]).status, 200)
tap.equal("what was taken is there", len(server_of_notes.get("/rest/v1/notes?select=id&id=gte.10000", headers=[f"apikey: {key}"]).json()),
          len(replies) - 1)
tap.equal("and the end is an end", server_of_notes.stop(), 0)

results = []
threads = [threading.Thread(target=hammer, args=(results,)) for _ in range(16)]
for thread in threads:
    thread.start()
while len(results) < 500:
    time.sleep(0.01)
before = time.monotonic()
status = server.stop()
took = time.monotonic() - before
for thread in threads:
    thread.join()
tap.equal("SIGTERM under load", status, 0)
tap.ok("is done soon", took < 5, took)
tap.equal("every request was answered, or told to come again", set(results) - {200, 503}, set())
sys.exit(tap.end())
