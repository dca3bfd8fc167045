"""An instance's server as a process that never outlives the hub."""

import asyncio
import os
import signal
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from coghub.build.lifeline import Lifeline
from coghub.domain.errors import InstanceDied
from coghub.executors.base import Instance
from coghub.executors.process_memory import memory_of_tree

KEPT_BYTES = 64 * 1024
"""Of what the server says, in case that it dies."""
READ_BYTES = 64 * 1024
HURRY_S = 1.0
"""After the second SIGTERM, which a server hears as: leave at once."""


class LocalInstance(Instance):
    """A process group on this machine."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        socket: Path,
        lifeline: Lifeline,
        clean_up: Callable[[], None],
    ) -> None:
        self._process = process
        self._socket = socket
        self._lifeline = lifeline
        self._clean_up = clean_up
        self._last_words = deque[bytes]()
        self._is_stopped = False
        self._reading = asyncio.create_task(self._read(), name="instance-output")
        self._ending = asyncio.create_task(self._end(), name="instance-end")

    is_foreign = False

    @property
    def address(self) -> Path:
        """See `Instance`."""
        return self._socket

    async def memory_bytes(self) -> int | None:
        """Return what all its processes take; see `Instance`."""
        return await asyncio.to_thread(memory_of_tree, self._process.pid)

    async def ended(self) -> str:
        """Return why it ended; see `Instance`."""
        return await asyncio.shield(self._ending)

    async def stop(self, *, grace_s: float) -> None:
        """End it; see `Instance`."""
        self._is_stopped = True
        for limit_s in (grace_s, HURRY_S):
            if not self._ending.done():
                self._signal(signal.SIGTERM)
                await asyncio.wait({self._ending}, timeout=limit_s)
        if not self._ending.done():
            self._signal(signal.SIGKILL)
        await asyncio.shield(self._ending)

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            if number == signal.SIGKILL:
                os.killpg(self._process.pid, number)
            else:
                self._process.send_signal(number)

    async def _read(self) -> None:
        """Keep the end of what the server says."""
        assert self._process.stderr is not None
        size = 0
        while said := await self._process.stderr.read(READ_BYTES):
            self._last_words.append(said)
            size += len(said)
            while size > KEPT_BYTES and len(self._last_words) > 1:
                size -= len(self._last_words.popleft())

    async def _end(self) -> str:
        code = await self._process.wait()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)  # what its worker may have left
        with suppress(TimeoutError):
            async with asyncio.timeout(HURRY_S):  # a grandchild may hold the pipe open
                await asyncio.shield(self._reading)
        self._reading.cancel()
        await asyncio.to_thread(self._let_go)
        return "stopped" if self._is_stopped else self._epitaph(code)

    def _let_go(self) -> None:
        self._lifeline.close()
        self._clean_up()

    def _epitaph(self, code: int) -> str:
        if code < 0:
            likely = " (likely out of memory)" if code == -signal.SIGKILL else ""
            return f"The model's server was killed by signal {-code}{likely}"
        said = b"".join(self._last_words).decode("utf-8", "replace").strip()
        last = f": {said.splitlines()[-1]}" if said else ""
        return f"The model's server ended with exit code {code}{last}"


async def start_process(
    command: Sequence[str],
    *,
    folder: Path,
    environ: Mapping[str, str],
    socket: Path,
    clean_up: Callable[[], None],
) -> LocalInstance:
    """Start a server.

    Args:
        command: what is run.
        folder: where.
        environ: all of its environment.
        socket: where it will listen.
        clean_up: called once, in a thread, when it has ended.

    Raises:
        InstanceDied: if it cannot be started.
    """
    lifeline = await asyncio.to_thread(Lifeline)
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            env=environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        lifeline.close()
        raise InstanceDied(f"The model's server cannot be started: {error}") from error
    except BaseException:
        lifeline.close()
        raise
    lifeline.guard(process.pid)
    return LocalInstance(process, socket, lifeline, clean_up)
