"""A web server for the tests of downloads."""

import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


class Website:
    """A few files on a loopback port, and who asked for them."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.agents: list[str | None] = []
        self.breaks: Counter[str] = Counter()
        """Path → how many answers end half way."""
        website = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                website.agents.append(self.headers["User-Agent"])
                body = website.files.get(self.path)
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                is_broken = website.breaks[self.path] > 0
                website.breaks[self.path] -= 1
                self.wfile.write((body or b"")[: 1 if is_broken else None])

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def website() -> Iterator[Website]:
    website = Website()
    thread = threading.Thread(target=website.server.serve_forever, args=(0.01,))
    thread.start()
    yield website
    website.server.shutdown()
    website.server.server_close()
    thread.join()
