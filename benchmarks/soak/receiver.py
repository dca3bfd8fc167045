"""Where webhooks go: it refuses some of them, so that they come again, and notes the accepted."""

import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from benchmarks.soak.ledger import ENDED, Ledger

REFUSED_SHARE = 0.1


class _Receiver(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(("127.0.0.1", 0), _Call)
        self.ledger = ledger


class _Call(BaseHTTPRequestHandler):
    server: _Receiver

    def do_POST(self) -> None:
        told = json.loads(self.rfile.read(int(self.headers["content-length"])))
        is_refused = random.random() < REFUSED_SHARE  # noqa: S311 - no secret
        if not is_refused and told["status"] in ENDED:
            self.server.ledger.call(told["id"], told["status"])
        self.send_response(503 if is_refused else 200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def receiving(ledger: Ledger) -> Iterator[str]:
    """Take webhooks inside the block; return where."""
    with _Receiver(ledger) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
