"""Hands large input files to a model's server: over loopback, under addresses nobody can guess.

A file of hundreds of megabytes inside a JSON body would be in memory several times over.
"""

import secrets
import shutil
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

TOKEN_BYTES = 24
POLL_S = 0.02
"""How often it looks whether it is to close; that is as long as the command's end may wait."""


class FileServer:
    """Serves the files that were named to it, until it is closed."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._host = host
        self._paths: dict[str, Path] = {}
        self._server = _Server((host, 0), self._paths)
        serve = partial(self._server.serve_forever, POLL_S)
        threading.Thread(target=serve, name="files", daemon=True).start()

    def url_of(self, path: Path) -> str:
        """Return the address of a file; it ends in the file's own name."""
        place = f"/{secrets.token_urlsafe(TOKEN_BYTES)}/{quote(path.name)}"
        self._paths[place] = path
        return f"http://{self._host}:{self._server.server_address[1]}{place}"

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], paths: dict[str, Path]) -> None:
        self.paths = paths
        super().__init__(address, _FileRequest)


class _FileRequest(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answer with the file, or 404 for an address that was never given out."""
        assert isinstance(self.server, _Server)
        path = self.server.paths.get(self.path)
        if path is None:
            self.send_error(404)
            return
        with path.open("rb") as file:
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(path.stat().st_size))
            self.end_headers()
            shutil.copyfileobj(file, self.wfile)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: stderr is the user's."""
