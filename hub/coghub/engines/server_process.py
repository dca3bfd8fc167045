"""A model's server as a process of this command: started, listened to, and always ended."""

import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from coghub.engines.base import OnLog
from coghub.engines.interrupts import uninterrupted
from coghub.engines.lifeline import Lifeline

STOP_GRACE_S = 3.0
"""From the wish to end to the end by force; the time that Cog gives its containers."""
READ_BYTES = 64 * 1024


@dataclass(slots=True)
class ServerProcess:
    """A server that was started, with the ends of its pipes."""

    process: subprocess.Popen[bytes]
    stderr: int
    ready: int
    """Here the server writes its port when it listens."""
    on_log: OnLog
    lifeline: Lifeline
    _announced: bytes = field(default=b"")
    is_silent: bool = False
    """Nothing more can come from its stderr."""

    @classmethod
    def start(
        cls, command: Sequence[str], *, folder: Path, environ: Mapping[str, str], on_log: OnLog
    ) -> "ServerProcess":
        """Start a server; the number of a descriptor is put in place of `{ready}`."""
        stderr, stderr_end = os.pipe()
        ready, ready_end = os.pipe()
        with uninterrupted():
            lifeline = Lifeline()
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
                raise
            finally:
                os.close(stderr_end)
                os.close(ready_end)
            lifeline.guard(process.pid)
        os.set_blocking(stderr, False)
        return cls(process, stderr, ready, on_log, lifeline)

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
        """Pass on what the server printed so far, without waiting for more."""
        while not self.is_silent:
            try:
                printed = os.read(self.stderr, READ_BYTES)
            except BlockingIOError:
                return
            if printed:
                self.on_log(printed)
            self.is_silent = not printed

    def stop(self) -> None:
        """End the server, by force if it does not heed; may be called twice."""
        with uninterrupted():
            if self.process.returncode is None:
                self._end()
            self.lifeline.close()
            for descriptor in (self.stderr, self.ready):
                if descriptor >= 0:
                    os.close(descriptor)
            self.stderr = self.ready = -1

    def _end(self) -> None:
        self.process.terminate()
        deadline = time.monotonic() + STOP_GRACE_S
        while not self.is_silent and (remaining := deadline - time.monotonic()) > 0:
            if _readable([self.stderr], remaining):
                self.drain()
        try:
            self.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def _readable(descriptors: Sequence[int], timeout_s: float) -> list[int]:
    """Wait until at least one has something to read, or its end, and return those that have."""
    nothing = list[int]()
    return select.select(descriptors, nothing, nothing, timeout_s)[0]
