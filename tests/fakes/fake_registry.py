"""A registry in memory behind a real socket, which fails on demand."""

import base64
import json
import socket
import threading
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from coghub.domain.digest import digest_of


@dataclass
class Fault:
    """What goes wrong, `times` times, with requests of a method whose path has a part."""

    method: str
    part: str
    status: int = 0
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    cut_after: int | None = None
    """Bytes of the body that go through before the connection breaks."""
    times: int = 1

    def matches(self, method, path):
        return self.times > 0 and method == self.method and self.part in path


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Clients break connections too."""


class FakeRegistry:
    """A registry in memory behind a real socket."""

    def __init__(self):
        self.blobs, self.manifests, self.uploads = {}, {}, {}
        self.pages = {}
        """Path → status and JSON, for what is outside the registry's API."""
        self.log = []
        """Method, path and headers of each request."""
        self.faults = []
        self.realm = None
        """`basic`, `bearer` or None: who is let in."""
        self.passwords = {"alice": "secret"}
        self.tokens = set()
        self.life_s = 300
        self.upload_headers = {}
        self.server = Server(("127.0.0.1", 0), Exchange)
        self.server.registry = self
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    @property
    def address(self):
        return f"127.0.0.1:{self.server.server_port}"

    @property
    def url(self):
        return f"http://{self.address}"

    def fail(self, *arguments, **keywords):
        self.faults.append(Fault(*arguments, **keywords))

    def seen(self, method, part=""):
        return [(path, headers) for it, path, headers in self.log if it == method and part in path]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def answer(self, status, headers=None, body=b"", cut=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if "Content-Length" not in (headers or {}) and status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body if cut is None else body[:cut])
        if cut is not None:
            self.break_off()

    def break_off(self):
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def dispatch(self):
        registry = self.server.registry
        self.url = urlsplit(self.path)
        self.query = {key: values[0] for key, values in parse_qs(self.url.query).items()}
        registry.log.append((self.command, self.path, self.headers))
        self.fault = next(
            (it for it in registry.faults if it.matches(self.command, self.path)), None
        )
        if self.fault:
            self.fault.times -= 1
        length = int(self.headers.get("Content-Length") or 0)
        cut = self.fault.cut_after if self.fault and length else None
        self.body = self.rfile.read(length if cut is None else cut)
        if self.fault and self.fault.status:
            self.answer(self.fault.status, self.fault.headers, self.fault.body)
        elif self.url.path in registry.pages:
            status, value = registry.pages[self.url.path]
            self.answer(status, {}, json.dumps(value).encode())
        elif self.url.path == "/token":
            self.token(registry)
        elif not self.is_let_in(registry):
            ask = {
                "basic": 'Basic realm="x"',
                "bearer": f'Bearer realm="{registry.url}/token",service="here",scope="s"',
            }[registry.realm]
            self.answer(401, {"WWW-Authenticate": ask}, b'{"errors":[{"code":"UNAUTHORIZED"}]}')
        else:
            self.route(registry)

    def is_let_in(self, registry):
        kind, _, value = (self.headers.get("Authorization") or "").partition(" ")
        match registry.realm:
            case "basic":
                return kind == "Basic" and self.is_known(registry, value)
            case "bearer":
                return kind == "Bearer" and value in registry.tokens
        return True

    def is_known(self, registry, value):
        name, _, secret = base64.b64decode(value).decode().partition(":")
        return registry.passwords.get(name) == secret

    def token(self, registry):
        _, _, value = (self.headers.get("Authorization") or "").partition(" ")
        if not value or not self.is_known(registry, value):
            return self.answer(401)
        token = uuid.uuid4().hex
        registry.tokens.add(token)
        return self.answer(
            200, {}, json.dumps({"token": token, "expires_in": registry.life_s}).encode()
        )

    def route(self, registry):
        parts = self.url.path.split("/")
        if self.url.path == "/v2/":
            self.answer(200)
        elif "uploads" in parts:
            self.upload(registry, parts)
        elif "blobs" in parts:
            self.blob(registry.blobs.get(parts[-1]))
        elif "manifests" in parts and self.command == "PUT":
            registry.manifests["/".join(parts[2:-2]), parts[-1]] = self.body
            self.answer(201, {"Docker-Content-Digest": digest_of(self.body)})
        elif "manifests" in parts:
            self.manifest(registry, "/".join(parts[2:-2]), parts[-1])
        else:
            self.answer(404)

    def manifest(self, registry, repository, version):
        found = registry.manifests.get((repository, version))
        if found is None:
            return self.answer(404, {}, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')
        return self.answer(200, {"Docker-Content-Digest": digest_of(found)}, found)

    def blob(self, content):
        if content is None:
            return self.answer(404)
        cut = self.fault.cut_after if self.fault else None
        start = int((self.headers.get("Range") or "bytes=0-")[6:-1])
        if start:
            span = f"bytes {start}-{len(content) - 1}/{len(content)}"
            return self.answer(206, {"Content-Range": span}, content[start:], cut)
        return self.answer(200, {}, content, cut)

    def upload(self, registry, parts):
        if self.command == "POST":
            return self.begin(registry)
        name = parts[-1]
        if name not in registry.uploads or self.query.get("_state") != "a/b":
            return self.answer(404, {}, b'{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}')
        start = int((self.headers.get("Content-Range") or "0-").partition("-")[0])
        if self.command == "PATCH" and start != len(registry.uploads[name]):
            return self.answer(416)
        return self.append(registry, name)

    def append(self, registry, name):
        registry.uploads[name] += self.body
        if self.fault and self.fault.cut_after is not None:
            return self.break_off()
        if self.command == "PUT":
            return self.complete(registry, registry.uploads.pop(name))
        reached = max(len(registry.uploads[name]) - 1, 0)
        status = 202 if self.command == "PATCH" else 204
        return self.answer(
            status, {"Location": f"{registry.url}{self.path}", "Range": f"0-{reached}"}
        )

    def begin(self, registry):
        if self.query.get("mount") in registry.blobs:
            return self.answer(201)
        name = uuid.uuid4().hex
        registry.uploads[name] = b""
        where = {"Location": f"{self.url.path}{name}?_state=a%2Fb"}
        return self.answer(202, where | registry.upload_headers)

    def complete(self, registry, content):
        if digest_of(content) != self.query["digest"]:
            return self.answer(400, {}, b'{"errors":[{"code":"DIGEST_INVALID"}]}')
        registry.blobs[self.query["digest"]] = content
        return self.answer(201)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = dispatch  # noqa: N815 - the server's names
