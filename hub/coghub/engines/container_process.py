"""A model's server as a container of this command: started, listened to, and always ended.

It is an attached `docker run`: what the container prints comes through a pipe, its end is the end
of that process, and a signal to the process reaches the container.
"""

import os
import secrets
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from coghub.build.docker.client import Docker
from coghub.build.docker.container import SERVER_PORT, STOP_GRACE_S, ContainerSpec, run_command
from coghub.build.docker.leftovers import own_label
from coghub.build.interrupts import uninterrupted
from coghub.build.lifeline import Lifeline
from coghub.domain.errors import CoghubError
from coghub.engines.base import OnLog

POLL_S = 0.02
DEATH_S = 2.0
"""Between the end of a server's connections and that of its container."""
KEPT_BYTES = 64 * 1024
READ_BYTES = 64 * 1024
FIRST_SIGNAL_CODE = 128
"""A container that a signal ended has this and the signal's number as exit code."""
NO_DRIVER = (b"could not select device driver", b"nvidia-container-cli", b"unknown runtime")
"""How the engine says that it cannot give a GPU."""
RETRYING = b"Missing device driver, re-trying without GPU\n"


def new_name() -> str:
    """Return a name for a container that no other has."""
    return f"cog-{secrets.token_hex(6)}"


@dataclass(slots=True)
class ContainerProcess:
    """A container that was started, with the end of its output's pipe."""

    docker: Docker
    spec: ContainerSpec
    folder: Path
    """The project's; an image's own has none here."""
    on_log: OnLog | None = None
    """Takes what the container prints; None keeps the end of it for `last_words`."""
    may_go_without_gpu: bool = False
    """The GPU was not asked for by name: without a driver it is done without."""
    on_retry: OnLog | None = None
    last_words: bytes = b""
    is_silent: bool = False
    """Nothing more can come from its output."""
    _process: "subprocess.Popen[bytes] | None" = None
    _lifeline: Lifeline | None = None

    def start(self) -> "ContainerProcess":
        """Start the container."""
        self.spec = replace(self.spec, labels={**self.spec.labels, **own_label()})
        with uninterrupted():
            self._lifeline = Lifeline()
            try:
                self._process = self.docker.start(
                    run_command(self.spec), environ=self.spec.environment
                )
            except BaseException:
                self._lifeline.close()
                raise
            self._lifeline.guard(self._process.pid)
        os.set_blocking(self.stderr, False)
        self.is_silent, self.last_words = False, b""
        return self

    @property
    def stderr(self) -> int:
        """Where the container's output is read."""
        assert self._process is not None
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    @property
    def listens_late(self) -> bool:
        """The engine listens on its port as soon as the container runs."""
        return True

    @property
    def files_host(self) -> str | None:
        """The address of this machine on Docker's own bridge, if it has one there."""
        shown = "{{range .IPAM.Config}}{{.Gateway}}{{end}}"
        try:
            host = self.docker.ask(["network", "inspect", "bridge", "--format", shown]).strip()
            with socket.create_server((host, 0)):
                return host
        except (CoghubError, OSError):
            return None

    @property
    def exit_code(self) -> int | None:
        """None while the container lives; minus the signal's number where one ended it."""
        code = self._process.poll() if self._process else 0
        if code is None or code <= FIRST_SIGNAL_CODE:
            return code
        return FIRST_SIGNAL_CODE - code

    def port(self, deadline: float) -> int | None:
        """Wait for the published port; None if the container ended or the time is over."""
        while time.monotonic() < deadline:
            self.drain()
            if self.exit_code is not None:
                if not self._is_without_driver():
                    return None
                self._start_without_gpu()
            port = self._published()
            if port is not None:
                return port
            time.sleep(POLL_S)
        return None

    def drain(self) -> None:
        """Take what the container printed so far, without waiting for more."""
        while not self.is_silent:
            try:
                printed = os.read(self.stderr, READ_BYTES)
            except BlockingIOError:
                return
            if printed and self.on_log:
                self.on_log(printed)
            if printed:
                self.last_words = (self.last_words + printed)[-KEPT_BYTES:]
            self.is_silent = not printed

    def wait_briefly(self) -> None:
        """Let a container that is dying die by itself, so that its exit code says why."""
        assert self._process is not None
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(DEATH_S)
        self.drain()
        if self.on_log:
            self.last_words = b""  # shown already

    def stop(self, *, grace_s: float = STOP_GRACE_S) -> None:
        """End the container, by force if it does not heed; may be called twice."""
        with uninterrupted():
            if self._process is None:
                return
            if self._process.poll() is None:
                self._ask(["stop", "--time", str(max(1, round(grace_s))), self.spec.name])
            self._ask(["rm", "--force", "--volumes", self.spec.name])
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(DEATH_S)
            self._let_go()

    def _published(self) -> int | None:
        try:
            said = self.docker.ask(["port", self.spec.name, f"{SERVER_PORT}/tcp"])
        except CoghubError:
            return None  # it is not there yet
        first = said.split("\n")[0].strip()
        return int(first.rpartition(":")[2]) if first else None

    def _is_without_driver(self) -> bool:
        self.wait_briefly()
        found = any(sign in self.last_words for sign in NO_DRIVER)
        return found and self.may_go_without_gpu and self.spec.gpus is not None

    def _start_without_gpu(self) -> None:
        if self.on_retry:
            self.on_retry(RETRYING)
        self.stop()
        self.spec = replace(self.spec, gpus=None, name=new_name())
        self.start()

    def _ask(self, arguments: list[str]) -> None:
        with suppress(CoghubError):  # it has gone by itself
            self.docker.ask(arguments)

    def _let_go(self) -> None:
        assert self._process is not None
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        if self._lifeline:
            self._lifeline.close()
        self._process = self._lifeline = None
