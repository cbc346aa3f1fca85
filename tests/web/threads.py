"""A short mixed load for the server as ThreadSanitizer sees it: reads, writes, sign-ins, slow and half requests, then the end."""
import json
import os
import subprocess
import sys
import threading
import time

from server_client import LEDGER, Reader, Server, Tap, read_reply

work = sys.argv[1]
SECONDS = float(os.environ.get("LEDGER_TEST_SECONDS", "5"))
tap = Tap()
file = os.path.join(work, "threads.db")
subprocess.run([LEDGER, "init", file], capture_output=True, check=True)
for name in ("A", "B"):
    subprocess.run([LEDGER, "account", "open", file, "USD", f"--number={name}"], capture_output=True, check=True)
subprocess.run([LEDGER, "deposit", file, "A", "1000000.00"], capture_output=True, check=True)
certificate = os.path.join(work, "tls.pem")
subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", certificate + ".key",
                "-out", certificate + ".crt", "-days", "2", "-subj", "/CN=localhost"], capture_output=True, check=True)
with open(certificate, "w", encoding="ascii") as out:
    for part in (".key", ".crt"):
        with open(certificate + part, encoding="ascii") as text:
            out.write(text.read())


def request(method, path, key, body=None):
    text = json.dumps(body).encode() if body is not None else b""
    return (f"{method} {path} HTTP/1.1\r\nHost: x\r\napikey: {key}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(text)}\r\n\r\n").encode() + text


def load(server, key, seen, stop, number):
    """One client after the other, each with a few requests on one connection."""
    count = 0
    while not stop.is_set():
        try:
            with server.connect() as connection:
                reader = Reader(connection)
                for _ in range(5):
                    count += 1
                    name = f"{number}-{count}"
                    for one in (request("GET", "/rest/v1/accounts?select=id,balance&limit=3", key),
                                request("POST", "/rest/v1/rpc/transfer", key,
                                        {"from": "A", "to": "B", "amount": "0.01", "reference": name}),
                                request("GET", "/metrics", key), request("GET", "/ready", key), request("GET", "/nope", key),
                                request("POST", "/auth/v1/signup", key, {"email": f"u{name}@example.com", "password": "secret-" + name})
                                if count == 1 else request("GET", "/auth/v1/settings", key)):
                        connection.sendall(one)
                        reply = read_reply(reader)
                        if not reply:
                            return
                        seen[reply.status] = seen.get(reply.status, 0) + 1
            with server.connect() as connection:
                connection.sendall(b"GET /live HTTP/1.1\r\nHo")
            with server.connect() as connection:
                connection.sendall(b"POST /live HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\nabc")
                read_reply(Reader(connection))
        except OSError:
            if not stop.is_set() and server.process.poll() is not None:
                return


for title, options in (("plain", ()), ("TLS", (f"--tls={certificate}",))):
    server = Server(file, "--show-keys", "--sign-ins=0", "--request-timeout=2", "--threads=16", *options)
    key = server.key("service_role")
    tap.ok(f"{title}: starts", key is not None, server.log())
    seen, stop = {}, threading.Event()
    threads = [threading.Thread(target=load, args=(server, key, seen, stop, f"{title}{number}")) for number in range(12)]
    for thread in threads:
        thread.start()
    time.sleep(SECONDS)
    status = server.stop()
    stop.set()
    for thread in threads:
        thread.join()
    races = [line for line in server.log().splitlines() if not line.startswith("{")]
    tap.equal(f"{title}: no race, no leak", (status, races[:60]), (0, []))
    tap.ok(f"{title}: requests of each kind were answered", {200, 404} <= set(seen), seen)
    print(f"# {title}: {seen}", flush=True)
sys.exit(tap.end())
