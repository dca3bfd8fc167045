"""A line between a hub and its object store that a test can hold, cut, and mend."""

import re
import socket
import threading
from contextlib import suppress

PIECE_BYTES = 64 * 1024
LIMIT_S = 60


class Relay:
    """Passes bytes on to a port, both ways."""

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._sockets = set[socket.socket]()
        self._threads = list[threading.Thread]()
        self._pattern: re.Pattern[bytes] | None = None
        self._is_cut = False
        self.refused = threading.Semaphore(0)
        """Released with each connection that was made while the line was cut."""
        self.held = threading.Event()
        """Set once a request that is to be held has come."""
        self._go_on = threading.Event()
        self._spawn(self._accept)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def hold(self, pattern: bytes) -> None:
        """Hold the next requests whose head has this, until `release` or `cut`."""
        self.held.clear()
        self._go_on.clear()
        self._pattern = re.compile(pattern)

    def release(self) -> None:
        """Pass on what was held, and hold nothing more."""
        self._pattern = None
        self._go_on.set()

    def cut(self) -> None:
        """Break all connections, and each new one at once: the store has died."""
        self._is_cut = True
        with self._lock:
            for each in self._sockets:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
        self.release()

    def mend(self) -> None:
        """The store is back, with all that it had."""
        self._is_cut = False

    def close(self) -> None:
        """End all threads."""
        self.cut()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(LIMIT_S)
        for each in self._sockets:
            each.close()

    def _spawn(self, work, *arguments) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if self._is_cut:
                    near.close()
                    self.refused.release()
                    continue
                far = socket.create_connection(self._target)
                with self._lock:
                    self._sockets |= {near, far}
                self._spawn(self._ask, near, far)
                self._spawn(self._answer, far, near)

    def _ask(self, near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError):
            while piece := near.recv(PIECE_BYTES):
                if self._pattern and self._pattern.search(piece):
                    self.held.set()
                    self._go_on.wait(LIMIT_S)
                far.sendall(piece)
        self._end(near, far)

    def _answer(self, far: socket.socket, near: socket.socket) -> None:
        with suppress(OSError):
            while piece := far.recv(PIECE_BYTES):
                near.sendall(piece)
        self._end(near, far)

    def _end(self, *both: socket.socket) -> None:
        for each in both:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
