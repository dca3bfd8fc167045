"""A stand-in for the server: it starts a real worker, and speaks frames with it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cog.worker import frames
from cog.worker.cancel import cancel_signal
from cog.worker.messages import (
    Cancel,
    CheckHealth,
    Completed,
    Health,
    Loaded,
    Log,
    Metric,
    Output,
    Predict,
    SetupFinished,
)

SDK = Path(__file__).parents[3] / "sdk"
TIMEOUT_S = 20


@dataclass
class Outcome:
    """Everything that was said about one prediction."""

    completed: Completed
    outputs: list[Output] = field(default_factory=list)
    metrics: list[Metric] = field(default_factory=list)
    logs: list[Log] = field(default_factory=list)
    printed: str = ""

    @property
    def status(self) -> str:
        return self.completed.status

    @property
    def error(self) -> str | None:
        return self.completed.error

    @property
    def values(self) -> list[Any]:
        return [output.value for output in self.outputs]


class ServerEnd:
    """The server's end of one worker."""

    def __init__(self, folder: Path, *, python: str, flags: list[str], env: dict[str, str]) -> None:
        self.socket, theirs = socket.socketpair()
        self.socket.settimeout(1)
        life_end, self.life = os.pipe()
        self.folder = folder
        self.exchange = folder / "exchange"
        self.exchange.mkdir(exist_ok=True)
        self._printed = (folder / "printed.txt").open("w+b", buffering=0)
        printed = (folder / "printed.txt").open("ab")
        ends = [theirs.fileno(), life_end]
        own_flags = ["--socket", str(ends[0]), "--life", str(ends[1])]
        own_flags += ["--exchange", str(self.exchange)]
        environ = os.environ  # noqa: TID251 - as the server's, the worker's environment begins here
        self.process = subprocess.Popen(
            [python, "-m", "cog.worker", *own_flags, *flags],
            cwd=folder,
            env={**environ, "PYTHONPATH": str(SDK), **env},
            pass_fds=ends,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        theirs.close()
        os.close(life_end)
        printed.close()
        self._splitter = frames.FrameSplitter()
        self._received: deque[Any] = deque()
        self.seq = 0
        self.has_canceled = False
        self.loaded: Loaded | None = None
        self.setup = SetupFinished()

    def start(self) -> "ServerEnd":
        """Wait for the end of the setup."""
        message = self.receive()
        if isinstance(message, Loaded):
            self.loaded = message
            message = self.receive()
        assert isinstance(message, SetupFinished)
        self.setup = message
        return self

    def send(self, *messages: Any) -> None:
        directory = str(self.exchange)
        self.socket.sendall(
            b"".join(frames.encode(it, spill_directory=directory) for it in messages)
        )

    def receive(self) -> Any:
        """Return the next message; EOFError when the worker has gone."""
        while not self._received:
            chunk = self._wait_for_content()
            if not chunk:
                raise EOFError(self.printed())
            self._received += [frames.decode(*frame) for frame in self._splitter.feed(chunk)]
        return self._received.popleft()

    def _wait_for_content(self) -> bytes:
        """As the server does, ring again while a cancel seems to have gone unheard."""
        for _ in range(TIMEOUT_S):
            with contextlib.suppress(TimeoutError):
                return self.socket.recv(65536)
            if self.has_canceled:
                os.kill(self.process.pid, cancel_signal())
        raise TimeoutError(self.printed())

    def begin(self, context: dict[str, str] | None = None, **inputs: Any) -> int:
        """Start a prediction and return its seq."""
        self.seq += 1
        self.send(Predict(self.seq, f"id-{self.seq}", inputs, context=context or {}))
        return self.seq

    def cancel(self, seq: int) -> None:
        self.has_canceled = True
        self.send(Cancel(seq))
        os.kill(self.process.pid, cancel_signal())

    def finish(self, *seqs: int) -> list[Outcome]:
        """Receive until these predictions have ended, and return how, in their order."""
        said: dict[int, list[Any]] = {seq: [] for seq in seqs}
        ended: dict[int, Outcome] = {}
        while len(ended) < len(seqs):
            message = self.receive()
            assert message.seq not in ended, "something followed the end"
            if isinstance(message, Completed):
                by_kind = {
                    kind: [it for it in said[message.seq] if type(it) is kind]
                    for kind in (Output, Metric, Log)
                }
                ended[message.seq] = Outcome(message, *by_kind.values(), self.printed())
            else:
                said[message.seq].append(message)
        return [ended[seq] for seq in seqs]

    def predict(self, context: dict[str, str] | None = None, **inputs: Any) -> Outcome:
        return self.finish(self.begin(context, **inputs))[0]

    def wait_for_output(self) -> Output:
        """Wait for the first output: by then user code has run so far."""
        message = self.receive()
        assert isinstance(message, Output)
        return message

    def check_health(self) -> str | None:
        self.seq += 1
        self.send(CheckHealth(self.seq))
        message = self.receive()
        assert isinstance(message, Health)
        return message.error

    def printed(self) -> str:
        """What came out of the pipes since the last time."""
        return self._printed.read().decode()

    def close(self) -> None:
        """End the worker as a dying server does, and everything it started."""
        self.socket.close()
        os.close(self.life)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(TIMEOUT_S)
        self._printed.close()


StartWorker = Callable[..., ServerEnd]


@pytest.fixture(scope="module")
def start_worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartWorker]:
    """Start workers for models given as source; they end with the module."""
    started: list[ServerEnd] = []

    def start(
        source: str = "",
        *,
        files: dict[str, str] | None = None,
        flags: list[str] | None = None,
        env: dict[str, str] | None = None,
        python: str = sys.executable,
    ) -> ServerEnd:
        folder = tmp_path_factory.mktemp("model")
        for name, content in {"predict.py": source, **(files or {})}.items():
            (folder / name).write_text(textwrap.dedent(content))
        flags = ["--predict", "predict.py:Predictor"] if flags is None else flags
        started.append(ServerEnd(folder, python=python, flags=flags, env=env or {}))
        return started[-1].start()

    yield start
    for worker in started:
        worker.close()
