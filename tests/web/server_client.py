"""What the tests of the server share: a server that is started and stopped, and a client that speaks raw bytes."""
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import tempfile
import time

LEDGER = os.environ["LEDGER"]


class Server:
    """`ledger serve` on a port of its own, its log in a file."""

    def __init__(self, file, *options, before=None):
        self.log_file = tempfile.TemporaryFile(mode="w+b")
        self.process = subprocess.Popen(
            [LEDGER, "serve", file, "--listen=127.0.0.1:0", *options],
            stdout=subprocess.PIPE, stderr=self.log_file, preexec_fn=before)
        self.lines = []
        self.port, self.is_secure = None, False
        for raw in self.process.stdout:
            line = raw.decode().rstrip("\n")
            self.lines.append(line)
            found = re.fullmatch(r"listening on http(s?)://127\.0\.0\.1:(\d+)", line)
            if found:
                self.is_secure, self.port = found.group(1) == "s", int(found.group(2))
                break

    def key(self, role):
        """The key that is printed for a role."""
        for line in self.lines:
            if line.startswith(role):
                return line.split()[-1]
        for raw in self.process.stdout:
            line = raw.decode().rstrip("\n")
            self.lines.append(line)
            if line.startswith(role):
                return line.split()[-1]
        return None

    def connect(self):
        connection = socket.create_connection(("127.0.0.1", self.port))
        connection.settimeout(60)
        if self.is_secure:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            return context.wrap_socket(connection)
        return connection

    def send(self, *parts):
        """Sends bytes on a new connection and reads one reply."""
        with self.connect() as connection:
            for part in parts:
                connection.sendall(part)
            return read_reply(Reader(connection))

    def get(self, path, method="GET", headers=(), body=b""):
        head = [f"{method} {path} HTTP/1.1", "Host: x", *headers]
        if body:
            head.append(f"Content-Length: {len(body)}")
        return self.send(("\r\n".join(head) + "\r\n\r\n").encode("latin-1") + body)

    def log(self):
        self.log_file.seek(0)
        return self.log_file.read().decode()

    def resident_kb(self):
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith("VmRSS"):
                return int(line.split()[1])
        return 0

    def files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def stop(self, number=signal.SIGTERM):
        """Its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(timeout=60)
        self.process.stdout.close()
        return status


class Reader:
    """Bytes of a connection, as lines or counted."""

    def __init__(self, connection):
        self.connection = connection
        self.bytes = b""

    def more(self):
        part = self.connection.recv(65536)
        self.bytes += part
        return bool(part)

    def until(self, end):
        while end not in self.bytes:
            if not self.more():
                return None
        line, self.bytes = self.bytes.split(end, 1)
        return line

    def count(self, length):
        while len(self.bytes) < length:
            if not self.more():
                return None
        part, self.bytes = self.bytes[:length], self.bytes[length:]
        return part


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


def read_reply(reader, has_body=True):
    """A reply, or None where the connection ended without one."""
    try:
        head = reader.until(b"\r\n\r\n")
    except (ConnectionResetError, socket.timeout):
        return None
    if head is None:
        return None
    lines = head.decode("latin-1").split("\r\n")
    status = int(lines[0].split()[1])
    headers = {}
    for line in lines[1:]:
        name, value = line.split(":", 1)
        headers[name.lower()] = value.strip()
    body = b""
    if has_body and status >= 200 and "content-length" in headers:
        body = reader.count(int(headers["content-length"]))
    return Reply(status, headers, body)


def is_closed(connection):
    """Has the other side ended the connection?"""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


class Tap:
    """Lines of TAP, as tests/lib/tap.sh prints them."""

    def __init__(self):
        self.number = 0
        self.failed = 0

    def ok(self, title, holds, note=""):
        self.number += 1
        if not holds:
            self.failed += 1
        print(f"{'ok' if holds else 'not ok'} {self.number} - {title}", flush=True)
        if not holds and note != "":
            print(f"# {note}", flush=True)

    def equal(self, title, seen, wanted):
        self.ok(title, seen == wanted, f"seen {seen!r}, wanted {wanted!r}")

    def status(self, title, reply, wanted):
        """A reply of that status, with a JSON object of an error in it where it is one."""
        seen = reply.status if reply else None
        self.equal(title, seen, wanted)
        if reply and wanted >= 400 and reply.body:
            try:
                members = sorted(reply.json())
            except ValueError:
                members = reply.body
            self.equal(f"{title}: an error as clients read it", members,
                       ["code", "details", "hint", "message"])

    def end(self):
        print(f"1..{self.number}")
        return 1 if self.failed else 0
