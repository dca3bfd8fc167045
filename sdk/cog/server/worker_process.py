"""One worker process while it lives: frames in and out, what it prints, and its end.

Everything happens in callbacks of the event loop, without tasks. The process itself is waited for
by a thread: the end of its socket says nothing about its death, and the other way around.
"""

import asyncio
import codecs
import contextlib
import os
import signal
import threading
from typing import Protocol

from cog.server import process_tree, wire
from cog.server.spawning import Spawned
from cog.worker import frames
from cog.worker.cancel import cancel_signal

READ_BYTES = 64 * 1024
"""A pipe holds no more; a larger buffer would be mapped anew for every read."""
MAX_PIPE_BYTES = 1024 * 1024
"""As much as a pipe can hold: what was printed before a moment is read within so many bytes."""
EXIT_GRACE_S = 1.0
"""From the end of the socket to the end of the process, before that is brought about."""


class Listener(Protocol):
    """Who wants to hear from a worker."""

    def receive(self, message: wire.FromWorker) -> None:
        """Take a message; what was printed before it was sent may wait in the pipes."""
        ...

    def printed(self, source: str, text: str) -> None:
        """Take what came out of `stdout` or `stderr`."""
        ...

    def died(self, reason: str) -> None:
        """Note the process's end; nothing follows."""
        ...


class WorkerProcess:
    """The server's end of a worker."""

    def __init__(self, spawned: Spawned, listener: Listener) -> None:
        self._spawned = spawned
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._splitter = frames.FrameSplitter()
        self._unsent = bytearray()
        self._is_write_due = False
        self._decoders = {it: codecs.getincrementaldecoder("utf-8")("replace") for it in (1, 2)}
        self._pipes = {1: spawned.stdout, 2: spawned.stderr}
        self._is_dead = False
        self._killed_for: str | None = None

    @property
    def pid(self) -> int:
        return self._spawned.process.pid

    @property
    def exchange(self) -> str:
        return self._spawned.exchange.path

    def follow(self) -> None:
        """Begin to listen."""
        self._loop.add_reader(self._spawned.socket, self._read_frames)
        for number, descriptor in self._pipes.items():
            self._loop.add_reader(descriptor, self._read_pipe, number)
        threading.Thread(target=self._wait, name="worker-exit", daemon=True).start()

    def send(self, message: wire.ToWorker, *, at_once: bool = True) -> None:
        """Send a message; a dead worker hears nothing.

        Not at once means together with others of this moment: each write wakes the worker up.
        """
        if self._is_dead:
            return
        self._unsent += wire.encode(message, spill_directory=self._spawned.exchange.path)
        if self._is_write_due:
            return
        if at_once:
            self._write()
        else:
            self._is_write_due = True
            self._loop.call_soon(self._write)

    def ring(self) -> None:
        """Interrupt synchronous user code, so that it looks for a `Cancel`."""
        if not self._is_dead:
            self._spawned.process.send_signal(cancel_signal())

    def drain_pipes(self) -> None:
        """Tell of everything that was printed until now."""
        for number in self._pipes.copy():
            taken = 0
            while taken < MAX_PIPE_BYTES and (count := self._read_pipe(number)):
                taken += count

    def kill(self, reason: str) -> None:
        """End the process and all its descendants; `died` is called with the reason."""
        if not self._is_dead and self._killed_for is None:
            self._killed_for = reason
            self._loop.run_in_executor(None, self._kill_tree)

    def kill_now(self) -> None:
        """End them before this returns, and leave nothing behind."""
        self._kill_tree()
        self._spawned.exchange.remove()

    def _read_frames(self) -> None:
        try:
            chunk = self._spawned.socket.recv(READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            chunk = b""
        if not chunk:
            self._lose("closed its connection to the server")
            return
        try:
            for kind, body in self._splitter.feed(chunk):
                self._listener.receive(wire.decode(kind, body))
        except (frames.FrameError, OSError) as error:
            self._lose(f"sent what is no message: {error}")

    def _lose(self, reason: str) -> None:
        """Give up on the socket; a worker that is dying gets the time to say why."""
        self._loop.remove_reader(self._spawned.socket)
        if not self._is_dead:
            self._loop.call_later(EXIT_GRACE_S, self.kill, reason)

    def _read_pipe(self, number: int) -> int:
        """Read once and tell; return the number of bytes, 0 if there are none now."""
        descriptor = self._pipes.get(number)
        if descriptor is None:
            return 0
        try:
            chunk = os.read(descriptor, READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return 0
        if not chunk:
            self._close_pipe(number)
            return 0
        if text := self._decoders[number].decode(chunk):
            self._listener.printed("stdout" if number == 1 else "stderr", text)
        return len(chunk)

    def _close_pipe(self, number: int) -> None:
        descriptor = self._pipes.pop(number)
        self._loop.remove_reader(descriptor)
        os.close(descriptor)

    def _write(self) -> None:
        self._is_write_due = False
        try:
            sent = self._spawned.socket.send(self._unsent)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:  # it is dying; the process's end is told elsewhere
            sent = len(self._unsent)
        del self._unsent[:sent]
        if self._unsent:
            self._is_write_due = True
            self._loop.add_writer(self._spawned.socket, self._write_rest)

    def _write_rest(self) -> None:
        self._loop.remove_writer(self._spawned.socket)
        self._write()

    def _wait(self) -> None:
        code = self._spawned.process.wait()
        # What the worker left behind still holds its pipes, and perhaps the GPU.
        self._kill_tree()
        with contextlib.suppress(RuntimeError):  # the loop has closed: the server is leaving
            self._loop.call_soon_threadsafe(self._exited, code)

    def _kill_tree(self) -> None:
        process_tree.kill_tree(self.pid, tree=self._spawned.tree)

    def _exited(self, code: int) -> None:
        self._read_rest()
        self._is_dead = True
        self._loop.remove_reader(self._spawned.socket)
        self._loop.remove_writer(self._spawned.socket)
        self._spawned.socket.close()
        for number in tuple(self._pipes):
            self._close_pipe(number)
        os.close(self._spawned.life)
        self._spawned.exchange.remove()
        self._listener.died(self._killed_for or exit_reason(code))

    def _read_rest(self) -> None:
        """Take what the worker said and printed before its end."""
        with contextlib.suppress(OSError, frames.FrameError):
            while chunk := self._spawned.socket.recv(READ_BYTES):
                for kind, body in self._splitter.feed(chunk):
                    self._listener.receive(wire.decode(kind, body))
        self.drain_pipes()


def exit_reason(code: int) -> str:
    """Say how a process ended, to go after "The worker"."""
    if code >= 0:
        return f"exited with code {code}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else "a signal"
    hint = ": likely out of memory" if -code == signal.SIGKILL else ""
    return f"was killed by signal {-code} ({name}){hint}"
