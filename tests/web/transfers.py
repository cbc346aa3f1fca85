"""Transfers over many connections, the server killed in the middle: what was acknowledged is there, once."""
import http.client
import json
import os
import signal
import threading
from server import Server, check, end

CONNECTIONS = int(os.environ.get("LEDGER_TEST_CONNECTIONS", "64"))
ROUNDS = int(os.environ.get("LEDGER_TEST_COUNT", "3"))


def post(connection, server, key):
    connection.request("POST", "/rest/v1/rpc/transfer", json.dumps({"from": "A", "to": "B", "amount": "0.01"}),
                       {"apikey": server.service, "Content-Type": "application/json", "Idempotency-Key": '"%s"' % key})
    response = connection.getresponse()
    body = response.read()
    return response.status, body, response.getheader("Idempotency-Replayed")


def worker(server, number, acknowledged, tried, enough):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    count = 0
    try:
        while True:
            key = "%d-%d" % (number, count)
            tried.append(key)
            status, body, _ = post(connection, server, key)
            if status != 200:
                raise SystemExit("%d %s" % (status, body))
            acknowledged[key] = body
            count += 1
            if len(acknowledged) >= 400:
                enough.set()
    except (OSError, http.client.HTTPException):
        pass  # the server was killed


with Server("full", "--quiet") as server:
    for number in ("A", "B"):
        server.ask("POST", "/rest/v1/rpc/open", {"number": number, "currency": "USD"}, key=server.service)
    server.ask("POST", "/rest/v1/rpc/deposit", {"to": "A", "amount": "100000"}, key=server.service)
    moved = 0
    for round_number in range(ROUNDS):
        acknowledged, tried, enough = {}, [], threading.Event()
        threads = [threading.Thread(target=worker, args=(server, round_number * 1000 + i, acknowledged, tried, enough))
                   for i in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        enough.wait(60)
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
        for thread in threads:
            thread.join()
        server.process.stdout.close()
        server.start()
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        again = {key: post(connection, server, key) for key in tried}
        check("round %d: %d acknowledged transfers are there with their results" % (round_number, len(acknowledged)),
              [key for key, body in acknowledged.items() if again[key] != (200, body, "true")], [])
        check("... every one that was tried is done by now", {status for status, _, _ in again.values()}, {200})
        moved += len(tried)
        answer = server.ask("POST", "/rest/v1/rpc/balance", {"account": "B"}, key=server.service).json
        check("... and once", answer["balance"], "%d.%02d" % divmod(moved, 100))
    # ---- one key at the same time
    results, barrier = [], threading.Barrier(CONNECTIONS)

    def once():
        own = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        barrier.wait()
        results.append(post(own, server, "the one"))
    threads = [threading.Thread(target=once) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check("a key that all use at the same time is done once", sorted(str(replayed) for _, _, replayed in results),
          ["None"] + ["true"] * (CONNECTIONS - 1))
    check("... with one result", len({body for _, body, _ in results}), 1)
    moved += 1
    answer = server.ask("POST", "/rest/v1/rpc/balance", {"account": "B"}, key=server.service).json
    check("... and one movement", answer["balance"], "%d.%02d" % divmod(moved, 100))
    check("the book is proven", server.ask("POST", "/rest/v1/rpc/verify", {}, key=server.service).json["proven"], True)

end()
