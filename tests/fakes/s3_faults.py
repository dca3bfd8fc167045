"""A store that speaks S3 and fails on demand: what it does not fail goes to a real one."""

import re
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

BODY = "<Error><Code>{code}</Code><Message>{code}</Message></Error>"


class Faults:
    """A server between the storage and the store."""

    def __init__(self, behind: str) -> None:
        self.behind = urlsplit(behind).netloc
        self.seen = list[str]()
        """Each request, as `PUT /bucket/key?query`."""
        self.failing = re.compile("(?!)")
        """Which of them fail."""
        self.failure = (500, "InternalError")
        """The status, and S3's own word for it; a status of 0 is no answer at all."""
        self.freed = threading.Event()
        """Set when those are let go that get no answer."""

    def fail(self, pattern: str, status: int, code: str = "") -> None:
        """Let requests fail from now on."""
        self.failing, self.failure = re.compile(pattern), (status, code)

    def recover(self) -> None:
        """Let no request fail any more."""
        self.failing = re.compile("(?!)")


@contextmanager
def s3_faults(behind: str) -> Generator[tuple[str, Faults]]:
    """Run such a server; yield its address and what it is told."""
    server = _Server(Faults(behind))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server.faults
    finally:
        server.faults.freed.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, faults: Faults) -> None:
        super().__init__(("127.0.0.1", 0), _Exchange)
        self.faults = faults


class _Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def answer(self) -> None:
        """Fail, or hand the request on."""
        content = self.rfile.read(int(self.headers.get("content-length", 0)))
        faults, said = self.server.faults, f"{self.command} {self.path}"
        faults.seen.append(said)
        status, code = faults.failure
        if faults.failing.search(said) is None:
            self.hand_on(content)
        elif status == 0:
            faults.freed.wait()
            self.close_connection = True
        else:
            body = BODY.format(code=code).encode()
            self.tell(status, [("Content-Type", "application/xml")], body, len(body))

    def hand_on(self, content: bytes) -> None:
        connection = HTTPConnection(self.server.faults.behind)
        connection.request(self.command, self.path, content, dict(self.headers))
        answer = connection.getresponse()
        kept = [it for it in answer.getheaders() if it[0].lower() in KEPT]
        body, said = answer.read(), answer.headers.get("content-length")
        self.tell(answer.status, kept, body, len(body) if said is None else int(said))
        connection.close()

    def tell(self, status: int, headers: list[tuple[str, str]], body: bytes, length: int) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer  # noqa: N815 - the base class's names

    def log_message(self, *_: object) -> None:
        """Say nothing."""


KEPT = frozenset({"etag", "last-modified", "content-type", "content-range", "accept-ranges"})
