"""The worker's end of the socket to the server.

Reading blocks, or not, as the caller likes; writing may happen on any thread, and inside a
`__del__` that the garbage collector runs in the middle of another write.
"""

import os
import select
import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from cog.worker import frames
from cog.worker.messages import Cancel, Completed

READ_BYTES = 65536


class Connection:
    """Frames to and from the server, over one descriptor."""

    def __init__(self, descriptor: int, *, spill_directory: str) -> None:
        self.descriptor = descriptor
        self._spill_directory = spill_directory
        self._splitter = frames.FrameSplitter()
        self._received: deque[Any] = deque()
        self._outgoing: deque[bytes] = deque()
        self._writing = threading.Lock()
        self.schedule_flush: Callable[[], None] = self.flush
        """What `send_soon` calls: set by a worker that gathers what several predictions send."""
        self._is_ended = False
        self.is_foreign = False
        """This process is a forked child: the socket is its parent's."""
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)

    def receive(self) -> Any | None:
        """Return the next message, waiting for it; None when the server has gone."""
        while not self._received:
            if self._is_ended or not self._read():
                return None
        return self._received.popleft()

    def read_waiting(self) -> None:
        """Take in what has arrived, without waiting."""
        while not self._is_ended and self._poll.poll(0):
            self._read()

    def take_received(self) -> list[Any]:
        """Return and forget the messages that were taken in."""
        messages = list(self._received)
        self._received.clear()
        return messages

    @property
    def has_received(self) -> bool:
        return bool(self._received)

    @property
    def is_ended(self) -> bool:
        """The server has closed its end, or what it sent could not be read."""
        return self._is_ended

    def take_cancel(self, seq: int) -> bool:
        """Say whether a `Cancel` of `seq` has been taken in; forget it, and all older ones."""
        kept = [it for it in self._received if type(it) is not Cancel or it.seq > seq]
        is_canceled = any(type(it) is Cancel and it.seq == seq for it in self._received)
        self._received = deque(kept)
        return is_canceled

    def send(self, *messages: Any) -> None:
        """Send messages in one write.

        Raises:
            TypeError, ValueError: if a value in a message is not JSON; nothing was sent then.
        """
        self._queue(messages)
        self.flush()

    def send_soon(self, *messages: Any) -> None:
        """Send messages together with what others send in this moment; raises as `send`."""
        self._queue(messages)
        self.schedule_flush()

    def flush(self) -> None:
        """Write out what is queued, unless somebody is at it already.

        Who is at it looks at the queue again after it let go of the lock, so nothing stays behind.
        """
        while self._outgoing and self._writing.acquire(blocking=False):
            try:
                self._write_outgoing()
            finally:
                self._writing.release()

    def abandon(self) -> None:
        """Let go of the socket, in a forked child; what it sends from now on is dropped.

        Once only: to the child's own child the number may be that of any other file.
        """
        if self.is_foreign:
            return
        os.close(self.descriptor)
        self._received.clear()
        self._outgoing.clear()
        self._is_ended = self.is_foreign = True

    def _queue(self, messages: tuple[Any, ...]) -> None:
        directory = self._spill_directory
        encoded = [frames.encode(message, spill_directory=directory) for message in messages]
        if not self.is_foreign:
            self._outgoing.append(encoded[0] if len(encoded) == 1 else b"".join(encoded))

    def _write_outgoing(self) -> None:
        while count := len(self._outgoing):
            rest = memoryview(b"".join([self._outgoing.popleft() for _ in range(count)]))
            while rest:
                rest = rest[self._write(rest) :]

    def _write(self, content: memoryview) -> int:
        try:
            return os.write(self.descriptor, content)
        except OSError:  # the server has gone: nobody listens, and we leave with the next read
            self._is_ended = True
            return len(content)

    def _read(self) -> bool:
        try:
            chunk = os.read(self.descriptor, READ_BYTES)
        except OSError:
            chunk = b""
        if not chunk:
            self._is_ended = True
            return False
        try:
            for kind, body in self._splitter.feed(chunk):
                self._take(kind, body)
        except frames.FrameError as error:
            print(f"The worker cannot go on: {error}", file=sys.stderr)  # noqa: T201 - for the logs
            self._is_ended = True
        return not self._is_ended

    def _take(self, kind: int, body: bytes) -> None:
        try:
            self._received.append(frames.decode(kind, body))
        except frames.TooDeep as error:
            reason = "Input validation error: the input is nested too deeply"
            self.send(Completed(error.seq, "failed", 0.0, reason))
