"""What the tests of this room share: a server on a port of its own, requests to it, and TAP."""
import base64
import hashlib
import hmac
import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile

LEDGER = os.environ.get("LEDGER", "build/ledger")


class Server:
    """Serves a new file of a schema; stopped by its process id."""

    def __init__(self, schema, *options):
        self.folder = tempfile.mkdtemp(prefix="ledger-web.")
        self.file = os.path.join(self.folder, "web.db")
        subprocess.run([LEDGER, "init", self.file, "--schema=" + schema], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        self.options = options
        self.process = None

    def start(self):
        self.log = open(os.path.join(self.folder, "log"), "ab")
        self.process = subprocess.Popen(
            [LEDGER, "serve", self.file, "--listen=127.0.0.1:0", "--show-keys", *self.options],
            stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.port = self.anon = self.service = None
        while not (self.port and self.anon and self.service):
            line = self.process.stdout.readline()
            if not line:
                raise SystemExit("the server ended: " + open(self.log.name).read()[-2000:])
            word = line.split()[-1] if line.split() else ""
            if line.startswith("listening on"):
                self.port = int(word.rsplit(":", 1)[1])
            elif line.startswith("anon"):
                self.anon = word
            elif line.startswith("service_role"):
                self.service = word
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        return self

    def stop(self):
        if self.process:
            self.process.terminate()
            self.status = self.process.wait(30)
            self.process.stdout.close()
            self.log.close()
            self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder)

    def ask(self, method, path, body=None, token=None, key=None, **headers):
        """Names of headers with _ for -; a list is as many headers. A body that is no text is sent as JSON."""
        sent = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
        if key is None:
            key = self.anon
        if key:
            sent.setdefault("apikey", key)
        if token:
            sent.setdefault("Authorization", "Bearer " + token)
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
            sent.setdefault("Content-Type", "application/json")
        if isinstance(body, str):
            body = body.encode()
        for attempt in range(2):
            try:
                self.connection.putrequest(method, path)
                for name, value in sent.items():
                    for each in value if isinstance(value, list) else [value]:
                        self.connection.putheader(name, each)
                if body is not None or method in ("POST", "PATCH", "PUT"):
                    self.connection.putheader("Content-Length", str(len(body or b"")))
                self.connection.endheaders(body)
                response = self.connection.getresponse()
                return Reply(response.status, response.getheaders(), response.read())
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                self.connection.close()  # it had waited for longer than the server does
                if attempt:
                    raise

    def run(self, *arguments):
        return subprocess.run([LEDGER, *arguments], check=True, capture_output=True, text=True).stdout


class Reply:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        self.text = body.decode("utf-8", "replace")

    def __getitem__(self, name):
        return self.headers.get(name.lower())

    @property
    def json(self):
        try:
            return json.loads(self.text)
        except ValueError:
            return None


failed = 0


def check(title, seen, wanted):
    global failed
    if seen == wanted:
        print("ok", title)
    else:
        failed += 1
        print("not ok", title)
        print("#   seen:  ", repr(seen)[:1500])
        print("#   wanted:", repr(wanted)[:1500])


def reply(title, answer, status, body=None, **headers):
    """Status, body (text as it is, anything else as JSON), and headers, None for one that must not be there."""
    seen = {"status": answer.status}
    wanted = {"status": status}
    if body is not None:
        wanted["body"] = body
        seen["body"] = answer.text if isinstance(body, str) else answer.json
    for name, value in headers.items():
        name = name.replace("_", "-")
        wanted[name] = value
        seen[name] = answer[name]
    if answer.status != status:
        seen["text"] = answer.text[:600]
    check(title, seen, wanted)


def error(title, answer, status, code, message=None, details=None, hint=None, **headers):
    """The body is exactly the four members."""
    wanted = {"code": code, "details": details, "hint": hint, "message": message}
    body = answer.json
    if message is None and isinstance(body, dict):
        wanted["message"] = body.get("message")
    reply(title, answer, status, wanted, Content_Type="application/json; charset=utf-8",
          Proxy_Status="ledger; error=" + code, **headers)


def sign(claims, secret):
    """A JWT, HS256."""
    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=")
    text = part(b'{"alg":"HS256","typ":"JWT"}') + b"." + part(json.dumps(claims).encode())
    return (text + b"." + part(hmac.new(secret.encode(), text, hashlib.sha256).digest())).decode()


def end():
    sys.exit(1 if failed else 0)
