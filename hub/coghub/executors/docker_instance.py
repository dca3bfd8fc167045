"""An instance's server in a container: an attached `docker run`, whose end is the container's."""

import asyncio
import json
import signal
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from coghub.build.docker.client import Docker
from coghub.build.docker.container import ContainerSpec, run_command
from coghub.build.lifeline import Lifeline
from coghub.domain.errors import CoghubError, InstanceDied
from coghub.domain.size import size_text
from coghub.executors.base import Instance, TCPAddress

KEPT_LINES = 50
"""Of what a container prints, in case that it dies."""
READ_BYTES = 64 * 1024
FIRST_SIGNAL_CODE = 128
ENGINE_FAILED = 125
"""Exit code of `docker run` where no container came to run."""
POLL_S = 0.03


class DockerInstance(Instance):
    """A container of this hub."""

    def __init__(
        self,
        docker: Docker,
        spec: ContainerSpec,
        process: asyncio.subprocess.Process,
        lifeline: Lifeline,
        on_printed: Callable[[str], None] | None,
    ) -> None:
        self._docker = docker
        self._spec = spec
        self._process = process
        self._lifeline = lifeline
        self._on_printed = on_printed
        self._address = TCPAddress("", 0)
        self._last = deque[str](maxlen=KEPT_LINES)
        self._is_stopped = False
        self._reading = asyncio.create_task(self._read(), name="container-output")
        self._ending = asyncio.create_task(self._end(), name="container-end")

    @property
    def address(self) -> TCPAddress:
        """See `Instance`."""
        return self._address

    @property
    def is_foreign(self) -> bool:
        """See `Instance`."""
        return self._on_printed is not None

    async def found(self, network: str, port: int) -> None:
        """Return when the container runs and its address is known.

        Raises:
            InstanceDied: if it never ran.
        """
        while not self._ending.done():
            state = await self._inspected(".NetworkSettings.Networks")
            host = ((state or {}).get(network) or {}).get("IPAddress")
            if host:
                self._address = TCPAddress(str(host), port)
                return
            await asyncio.sleep(POLL_S)
        raise InstanceDied(self._ending.result())

    async def memory_bytes(self) -> int | None:
        """Return None: the engine takes seconds to tell; see `Instance`."""
        return None

    async def ended(self) -> str:
        """Return why it ended; see `Instance`."""
        return await asyncio.shield(self._ending)

    async def stop(self, *, grace_s: float) -> None:
        """End it; see `Instance`."""
        self._is_stopped = True
        if not self._ending.done():
            wait = str(max(1, round(grace_s)))
            await self._ask(["stop", "--time", wait, self._spec.name])
            await self._ask(["rm", "--force", "--volumes", self._spec.name])
            with suppress(TimeoutError):
                async with asyncio.timeout(grace_s):
                    await asyncio.shield(self._ending)
        if not self._ending.done():
            self._process.kill()  # the engine does not answer; the container is left to `tidy`
        await asyncio.shield(self._ending)

    async def _read(self) -> None:
        assert self._process.stdout is not None
        pending = ""
        while said := await self._process.stdout.read(READ_BYTES):
            text = said.decode("utf-8", "replace")
            if self._on_printed:
                self._on_printed(text)
            *lines, pending = (pending + text).split("\n")
            self._last.extend(line for line in lines if line.strip())
        if pending.strip():
            self._last.append(pending)

    async def _end(self) -> str:
        code = await self._process.wait()
        await self._reading
        state = await self._inspected(".State") or {}
        await self._ask(["rm", "--force", "--volumes", self._spec.name])
        await asyncio.to_thread(self._lifeline.close)
        return "stopped" if self._is_stopped else self._epitaph(code, state)

    def _epitaph(self, code: int, state: dict[str, Any]) -> str:
        last = f": {self._last[-1].strip()}" if self._last else ""
        if state.get("OOMKilled"):
            limit = self._spec.limits.memory_bytes
            return f"out of memory (limit {size_text(limit)})" if limit else "out of memory"
        if code == ENGINE_FAILED:
            return f"The container cannot be started{last}"
        if code == FIRST_SIGNAL_CODE + signal.SIGKILL:
            return "The container was killed by signal 9 (likely out of memory)"
        if code > FIRST_SIGNAL_CODE:
            return f"The container was killed by signal {code - FIRST_SIGNAL_CODE}{last}"
        return f"The model's server ended with exit code {code}{last}"

    async def _inspected(self, path: str) -> dict[str, Any] | None:
        said = await self._ask(["inspect", "--format", f"{{{{json {path}}}}}", self._spec.name])
        try:
            found = json.loads(said or "null")
        except ValueError:
            return None
        return found if isinstance(found, dict) else None

    async def _ask(self, arguments: Sequence[str]) -> str | None:
        """Ask the engine; None if it does not answer, or the container is gone."""
        with suppress(CoghubError, OSError):
            return await asyncio.to_thread(self._docker.ask, list(arguments))
        return None


async def start_container(
    docker: Docker, spec: ContainerSpec, on_printed: Callable[[str], None] | None
) -> DockerInstance:
    """Start a container.

    Args:
        docker: the engine.
        spec: what is run.
        on_printed: hears what a server prints that does not tell it otherwise.

    Raises:
        InstanceDied: if the command cannot be run.
    """
    lifeline = await asyncio.to_thread(Lifeline)
    try:
        process = await asyncio.create_subprocess_exec(
            *docker.command(run_command(spec)),
            env={**docker.environ, **spec.environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        lifeline.close()
        raise InstanceDied(f"The container cannot be started: {error}") from error
    except BaseException:
        lifeline.close()
        raise
    lifeline.guard(process.pid)
    return DockerInstance(docker, spec, process, lifeline, on_printed)
