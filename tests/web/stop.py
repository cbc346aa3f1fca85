"""64 connections post transfers, and the server is told to stop in the middle (transfers.py kills it). Called by test_stop.sh."""
import json
import os
import signal
import subprocess
import sys
import threading
import time

from server_client import LEDGER, Reader, Server, Tap, read_reply

work = sys.argv[1]
tap = Tap()
file = os.path.join(work, "stop.db")
CONNECTIONS = 64


def ledger(*words):
    done = subprocess.run([LEDGER, *words], capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        print(f"# ledger {words[0]}: {done.stderr.strip()}")
    return done


ledger("init", file)
for number in range(CONNECTIONS):
    ledger("account", "open", file, "USD", f"--number=PAYER{number}")
ledger("account", "open", file, "USD", "--number=PAYEE")
deposits = "".join(json.dumps({"op": "deposit", "to": f"PAYER{number}", "amount": "100000.00", "reference": f"D{number}"}) + "\n" for number in range(CONNECTIONS))
subprocess.run([LEDGER, "batch", file], input=deposits, capture_output=True, text=True, check=False)


def payer(server, key, name, number, acknowledged, tried):
    """Posts one transfer after the other until the server is gone."""
    try:
        with server.connect() as connection:
            reader = Reader(connection)
            for count in range(1000000):
                reference = f"{name}-{number}-{count}"
                body = json.dumps({"from": f"PAYER{number}", "to": "PAYEE", "amount": "0.01", "reference": reference}).encode()
                tried.append(reference)
                connection.sendall(f"POST /rest/v1/rpc/transfer HTTP/1.1\r\nHost: x\r\napikey: {key}\r\nContent-Type: application/json\r\n"
                                   f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
                reply = read_reply(reader)
                if reply is None:
                    return
                if reply.status == 200:
                    acknowledged.append(reference)
                elif reply.status != 503:
                    acknowledged.append(f"{reference} {reply.status} {reply.body!r}")
                if reply.headers.get("connection") == "close":
                    return
    except OSError:
        return


def journals():
    """References of all transfers in the file, in a list: one that is there twice is there twice."""
    done = ledger("get", file, "transactions", "select=reference_number&reference_number=like.*-*-*")
    return [row["reference_number"] for row in json.loads(done.stdout)]


def round_of(name, number, least, wait):
    server = Server(file, "--show-keys", "--quiet")
    key = server.key("service_role")
    acknowledged, tried = [], []
    threads = [threading.Thread(target=payer, args=(server, key, name, at, acknowledged, tried)) for at in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    before = time.monotonic()
    while len(acknowledged) < least and time.monotonic() - before < 60:
        time.sleep(0.002)
    status = server.stop(number)
    for thread in threads:
        thread.join()
    refused = [one for one in acknowledged if " " in one]
    tap.equal(f"{name}: nothing is refused but for the end", refused[:3], [])
    tap.ok(f"{name}: {CONNECTIONS} connections posted", len(acknowledged) >= least, acknowledged[:3])
    tap.equal(f"{name}: ends", status, wait)
    there = [reference for reference in journals() if reference.startswith(name + "-")]
    counted = {}
    for reference in there:
        if not reference.endswith((".C", ".F1")):
            counted[reference] = counted.get(reference, 0) + 1
    tap.equal(f"{name}: every acknowledged one is there", [one for one in acknowledged if one not in counted][:5], [])
    tap.equal(f"{name}: once", [one for one in counted if counted[one] != 1][:5], [])
    tap.equal(f"{name}: none that nobody asked for", [one for one in counted if one not in set(tried)][:5], [])
    tap.equal(f"{name}: and every one that is there was acknowledged", [one for one in counted if one not in set(acknowledged)][:5], [])
    print(f"# {name}: {len(acknowledged)} acknowledged, {len(counted)} there, {len(tried)} tried", flush=True)


round_of("term", signal.SIGTERM, 500, 0)
round_of("interrupt", signal.SIGINT, 200, 0)
proof = ledger("verify", file)
tap.equal("the book is proven", proof.returncode, 0)
sys.exit(tap.end())
