"""A web server with files, which behaves as well or as badly as a test wants."""

import contextlib
import re
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

OK = 200


@dataclass
class FileServer:
    files: dict[str, bytes]
    address: str = ""
    has_ranges: bool = True
    has_length: bool = True
    breaks: int = 0
    """So many answers end after a part of their bytes."""
    refuses: dict[str, list[int]] = field(default_factory=dict)
    """Path → statuses that are answered first."""
    redirects: dict[str, str] = field(default_factory=dict)
    asked: Counter = field(default_factory=Counter)
    seen: list[dict[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    sent_bytes: int = 0
    held: threading.Event | None = None
    """Answers wait for it after their first half."""

    def etag(self, path):
        return f'"{hash(self.files[path])}"'


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server.files
        self.path, _, query = self.path.partition("?")
        with server.lock:
            server.asked[self.path] += 1
            server.seen.append({**self.headers, "query": query})
            refused = server.refuses.get(self.path) or []
            status = refused.pop(0) if refused else 0
        if self.path in server.redirects:
            return self.head(302, b"", {"Location": server.redirects[self.path]})
        if status:
            return self.head(status, b"", {"Retry-After": "0"})
        if self.path not in server.files:
            return self.head(404, b"")
        return self.content(server, server.files[self.path])

    def content(self, server, whole):
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        headers = {"ETag": server.etag(self.path)}
        condition = self.headers.get("If-Range", headers["ETag"])
        if not found or not server.has_ranges or condition != headers["ETag"]:
            return self.head(200, whole, headers)
        start, stop = int(found[1]), min(int(found[2]) + 1, len(whole))
        if start >= len(whole):
            return self.head(416, b"", {"Content-Range": f"bytes */{len(whole)}"})
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(whole)}"
        return self.head(206, whole[start:stop], headers)

    def head(self, status, body, headers=()):
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        if self.server.files.has_length or status != OK:
            self.send_header("Content-Length", str(len(body)))
        else:
            self.send_header("Connection", "close")
        self.end_headers()
        server = self.server.files
        with server.lock:
            is_broken = server.breaks > 0 and len(body) > 1
            server.breaks -= is_broken
            server.sent_bytes += len(body)
        half = len(body) // 2
        self.wfile.write(body[:half])
        if is_broken:
            self.close_connection = True
            return
        if server.held is not None and len(body) > 1:
            self.wfile.flush()
            server.held.wait(30)
        with contextlib.suppress(ConnectionError):  # whoever was held up may have left
            self.wfile.write(body[half:])

    def log_message(self, *_):
        """Say nothing."""


@contextmanager
def serving(files):
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.files = FileServer(files, f"http://127.0.0.1:{server.server_address[1]}")
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.files
        server.shutdown()
