"""A model's server as a process of this command: started, listened to, and always ended."""

import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from coghub.build.interrupts import uninterrupted
from coghub.build.lifeline import Lifeline
from coghub.engines.base import OnLog

STOP_GRACE_S = 2.0
HURRY_S = 1.0
"""Together the time that Cog gives its containers, from the wish to end to the end by force."""
IDLE_GRACE_S = 0.2
"""For a server without anything under way that would be worth waiting for."""
DEATH_S = 0.5
"""Between the end of a server's connections and that of its process."""
KEPT_BYTES = 64 * 1024
"""Of what the server says, in case that it dies."""
READ_BYTES = 64 * 1024


@dataclass(slots=True)
class ServerProcess:
    """A server that was started, with the ends of its pipes."""

    process: subprocess.Popen[bytes]
    stderr: int
    ready: int
    """Here the server writes its port when it listens."""
    lifeline: Lifeline
    folder: Path
    """The project's, in which it runs."""
    on_log: OnLog | None = None
    """Takes what the server itself says; None keeps the end of it for `last_words`."""
    last_words: bytes = b""
    _announced: bytes = b""
    is_silent: bool = False
    """Nothing more can come from its stderr."""

    @classmethod
    def start(
        cls,
        command: Sequence[str],
        *,
        folder: Path,
        environ: Mapping[str, str],
        on_log: OnLog | None = None,
    ) -> "ServerProcess":
        """Start a server; the number of a descriptor is put in place of `{ready}`."""
        with uninterrupted():
            lifeline = Lifeline()
            stderr, stderr_end = os.pipe()
            ready, ready_end = os.pipe()
            try:
                process = subprocess.Popen(
                    [part.format(ready=ready_end) for part in command],
                    cwd=folder,
                    env=environ,
                    stdin=subprocess.DEVNULL,
                    stdout=stderr_end,
                    stderr=stderr_end,
                    pass_fds=(ready_end,),
                    start_new_session=True,
                )
            except BaseException:
                lifeline.close()
                os.close(stderr)
                os.close(ready)
                raise
            finally:
                os.close(stderr_end)
                os.close(ready_end)
            lifeline.guard(process.pid)
        os.set_blocking(stderr, False)
        return cls(process, stderr, ready, lifeline, folder, on_log)

    @property
    def listens_late(self) -> bool:
        """Its port is told when it listens."""
        return False

    @property
    def files_host(self) -> str:
        """It is on this machine."""
        return "127.0.0.1"

    @property
    def exit_code(self) -> int | None:
        """None while the server lives; minus the signal's number where one killed it."""
        return self.process.poll()

    def port(self, deadline: float) -> int | None:
        """Wait for the port and return it; None if the server ended or the time is over."""
        while b"\n" not in self._announced:
            remaining = deadline - time.monotonic()
            waiting = [self.ready] if self.is_silent else [self.ready, self.stderr]
            ready = _readable(waiting, max(0.0, remaining))
            if self.stderr in ready:
                self.drain()
            if self.ready in ready:
                said = os.read(self.ready, READ_BYTES)
                self._announced += said
                if not said:
                    return None
            if not ready:
                return None
        return int(self._announced)

    def drain(self) -> None:
        """Take what the server printed so far, without waiting for more."""
        while not self.is_silent:
            try:
                printed = os.read(self.stderr, READ_BYTES)
            except BlockingIOError:
                return
            if printed and self.on_log:
                self.on_log(printed)
            elif printed:
                self.last_words = (self.last_words + printed)[-KEPT_BYTES:]
            self.is_silent = not printed

    def wait_briefly(self) -> None:
        """Let a server that is dying die by itself, so that its exit code says why."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(DEATH_S)
        self.drain()

    def stop(self, *, grace_s: float = STOP_GRACE_S) -> None:
        """End the server, by force if it does not heed; may be called twice.

        Its first signal asks it to end what is under way, the second one to leave at once and
        clean up; only then is it killed, with what it leaves behind.
        """
        with uninterrupted():
            for give_up_after_s in (grace_s, HURRY_S):
                if self.process.poll() is None:
                    self.process.terminate()
                    self._wait(give_up_after_s)
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
            self._let_go()

    def _wait(self, timeout_s: float) -> None:
        """Wait for the server's end, which its output's end foretells without any polling."""
        deadline = time.monotonic() + timeout_s
        while not self.is_silent and (remaining := deadline - time.monotonic()) > 0:
            if _readable([self.stderr], remaining):
                self.drain()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.0, deadline - time.monotonic()))

    def _let_go(self) -> None:
        self.lifeline.close()
        for descriptor in (self.stderr, self.ready):
            if descriptor >= 0:
                os.close(descriptor)
        self.stderr = self.ready = -1


def _readable(descriptors: Sequence[int], timeout_s: float) -> list[int]:
    """Wait until at least one has something to read, or its end, and return those that have."""
    nothing = list[int]()
    return select.select(descriptors, nothing, nothing, timeout_s)[0]
