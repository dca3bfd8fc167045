"""Speaks Cog's HTTP to one model's server that this command has started.

While it waits for an answer it also passes on what the server prints, and notices its death.
Understands our server's stream of events and the single JSON answer of Cog's own.
"""

import base64
import json
import os
import selectors
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from coghub.domain.errors import InstanceDied, InstanceError, PredictionOverdue, SetupFailed
from coghub.domain.growing_log import GrowingLog
from coghub.domain.instance_event import Event, Log, Output, completed_of, event_of
from coghub.engines.base import Launch, OnLog, Request
from coghub.engines.hidden_modules import rename_hint
from coghub.engines.http_exchange import Exchange
from coghub.engines.refusals import refusal_of
from coghub.engines.server_process import IDLE_GRACE_S, STOP_GRACE_S

POLL_S = 0.01
"""First pause between two looks at the model's health."""
MAX_POLL_S = 0.1
HEALTH_TIMEOUT_S = 15.0
"""The server gives the user's own health check five seconds, Cog's ten."""
TICK_S = 0.5
"""How often the server's life is looked at while nothing comes from it."""
CANCEL_WAIT_S = 1.0
LOOPBACK = "127.0.0.1"
MAX_INLINE_BYTES = 64 * 1024**2
"""Into a container a larger file is served; that a firewall may forbid, so no smaller one."""
TOLD_CHARACTERS = 4000
"""Of the last words, where the reason for an end is looked for."""
HTTP_ERROR = 400
"""Statuses from here on are refusals."""
LEVEL_VARIABLE = "COG_LOG_LEVEL"
ROUTES = {"predict": "/predictions", "train": "/trainings"}


class Files(Protocol):
    """Serves large input files."""

    def url_of(self, path: Path) -> str: ...

    def close(self) -> None: ...


class Server(Protocol):
    """A model's server as this command has started it: a process, or a container."""

    folder: Path
    """The project's."""
    last_words: bytes
    is_silent: bool
    """Nothing more can come from its output."""

    @property
    def stderr(self) -> int:
        """Where its output is read."""
        ...

    @property
    def listens_late(self) -> bool:
        """Whether its port takes connections before it does."""
        ...

    @property
    def files_host(self) -> str | None:
        """The address of this machine as it sees it; None where that is not known."""
        ...

    @property
    def exit_code(self) -> int | None:
        """None while it lives; minus the signal's number where one ended it."""
        ...

    def port(self, deadline: float) -> int | None:
        """Wait for its port; None if it ended or the time is over."""
        ...

    def drain(self) -> None:
        """Take what it printed so far."""
        ...

    def wait_briefly(self) -> None:
        """Let one that is dying die by itself."""
        ...

    def stop(self, *, grace_s: float) -> None:
        """End it."""
        ...


class Instance:
    """A running model that ends with this command."""

    def __init__(
        self, server: Server, launch: Launch, on_log: OnLog, *, prints_all: bool = False
    ) -> None:
        self._server = server
        self._route = ROUTES[launch.mode]
        self._on_log = on_log
        self._prints_all = prints_all
        self._is_echoed = prints_all or (
            launch.is_debug and LEVEL_VARIABLE not in launch.environment
        )
        """What the server prints is shown, and what the model prints is among it."""
        self._port = 0
        self._is_set_up = False
        self._setup_logs = GrowingLog()
        self._running_id: str | None = None
        self._files: Files | None = None

    def __enter__(self) -> "Instance":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if self._running_id and error is not None and not isinstance(error, Exception):
                self._cancel(self._running_id)
        finally:
            self._server.stop(grace_s=STOP_GRACE_S if self._is_set_up else IDLE_GRACE_S)
            if self._files:
                self._files.close()

    def wait_until_ready(self, timeout_s: float) -> None:
        """Return when `setup()` is done; see `RunningModel`."""
        deadline = time.monotonic() + timeout_s
        self._port = self._server.port(deadline) or self._missing_port(deadline)
        pause_s = POLL_S
        while not self._is_ready():
            if time.monotonic() > deadline:
                raise _timed_out(timeout_s)
            time.sleep(pause_s)
            pause_s = min(MAX_POLL_S, pause_s * 1.2)
        self._is_set_up = True

    def serve_file(self, path: Path) -> str:
        """Return a URL from which the model's server can read a file."""
        host = self._server.files_host
        if host is None or (host != LOOPBACK and path.stat().st_size <= MAX_INLINE_BYTES):
            return _data_url(path)
        if self._files is None:
            from coghub.engines.file_server import FileServer  # noqa: PLC0415 - rarely needed

            self._files = FileServer(host)
        return self._files.url_of(path)

    def predict(self, request: Request) -> Iterator[Event]:
        """Run one prediction and yield what happens; see `RunningModel`."""
        prediction_id = os.urandom(16).hex()
        self._running_id = prediction_id
        exchange = self._exchange(
            "PUT",
            f"{self._route}/{prediction_id}",
            {"input": request.input, "context": request.context},
        )
        pieces = self._pieces(exchange, _deadline(request.timeout_s))
        try:
            for event in _events_of(exchange, pieces, self._route):
                if not (isinstance(event, Log) and self._was_shown(event.text)):
                    yield event
        except OSError as error:
            raise self._death() from error
        except SetupFailed as error:
            raise PredictionOverdue(f"No answer within {request.timeout_s:g} s") from error
        self._running_id = None

    def _was_shown(self, text: str) -> bool:
        """Tell whether the server has printed what the model did; Cog's do so at some levels."""
        if not self._prints_all:
            return self._is_echoed
        self._server.drain()
        first = text.strip().partition("\n")[0]
        return first.encode("utf-8", "replace") in self._server.last_words

    def _missing_port(self, deadline: float) -> int:
        if time.monotonic() > deadline:
            raise SetupFailed("Timed out", hint="The model's server did not begin to listen")
        raise self._death()

    def _is_ready(self) -> bool:
        health = self._health()
        if not health and self._server.listens_late:
            return False
        setup = health.get("setup") or {}
        self._show_setup_logs(setup.get("logs") or "")
        match health.get("status"):
            case "READY":
                return True
            case "STARTING" | "UNKNOWN":
                return False
            case "SETUP_FAILED":
                raise SetupFailed("Model setup failed", hint=self._rename_hint(setup.get("logs")))
            case status:
                raise InstanceError(
                    f"Container healthcheck returned unexpected status: {status}",
                    hint=health.get("user_healthcheck_error"),
                )

    def _health(self) -> dict[str, Any]:
        exchange = self._exchange("GET", "/health-check")
        try:
            health = _json(b"".join(self._pieces(exchange, time.monotonic() + HEALTH_TIMEOUT_S)))
        except OSError as error:
            if not self._server.listens_late or self._server.exit_code is not None:
                raise self._death() from error
            health = None
        return health if isinstance(health, dict) else {}

    def _show_setup_logs(self, logs: str) -> None:
        new = self._setup_logs.unseen(logs)
        if new and not self._is_echoed:
            self._on_log(new)

    def _exchange(self, method: str, path: str, body: Any = None) -> Exchange:
        headers = {"Accept": "application/x-ndjson, application/json"}
        if body is None:
            return Exchange(("127.0.0.1", self._port), method, path, headers=headers)
        headers["Content-Type"] = "application/json"
        content = json.dumps(body).encode()
        return Exchange(("127.0.0.1", self._port), method, path, body=content, headers=headers)

    def _pieces(self, exchange: Exchange, deadline: float | None = None) -> Iterator[bytes]:
        """Yield the answer's body as it comes, and pass on what the server prints meanwhile."""
        try:
            exchange.connect()
            with selectors.DefaultSelector() as selector:
                selector.register(self._server.stderr, selectors.EVENT_READ)
                selector.register(exchange, selectors.EVENT_READ | selectors.EVENT_WRITE)
                yield from self._received(exchange, selector, deadline)
        finally:
            exchange.close()
        self._server.drain()

    def _received(
        self, exchange: Exchange, selector: selectors.BaseSelector, deadline: float | None
    ) -> Iterator[bytes]:
        while not exchange.is_complete:
            for key, _ in selector.select(TICK_S):
                if key.fileobj is exchange:
                    piece = exchange.advance()
                    if not exchange.wants_to_write:
                        selector.modify(exchange, selectors.EVENT_READ)
                    if piece:
                        yield piece
                else:
                    self._server.drain()
                    if self._server.is_silent:
                        selector.unregister(key.fileobj)
            is_late = deadline is not None and time.monotonic() > deadline
            if is_late and not exchange.is_complete:
                raise SetupFailed("Timed out", hint="The model's server does not answer")

    def _cancel(self, prediction_id: str) -> None:
        """Give the model's code the chance to clean up; its server is ended afterwards anyway."""
        try:
            path = f"{self._route}/{prediction_id}/cancel"
            for _ in self._pieces(self._exchange("POST", path), time.monotonic() + CANCEL_WAIT_S):
                pass
        except (InstanceError, OSError):
            return

    def _death(self) -> InstanceDied:
        """Return the error for a server that is gone, with what is known of its end."""
        self._server.wait_briefly()
        self._on_log(self._server.last_words)
        self._server.stop(grace_s=STOP_GRACE_S)
        hint = self._rename_hint(self._server.last_words.decode("utf-8", "replace"))
        hint = hint or _epitaph(self._server.exit_code)
        return InstanceDied("Container exited unexpectedly", hint=hint)

    def _rename_hint(self, said: str | None) -> str | None:
        return rename_hint(self._server.folder, (said or "")[-TOLD_CHARACTERS:])


def _events_of(exchange: Exchange, pieces: Iterator[bytes], route: str) -> Iterator[Event]:
    pending = b""
    for piece in pieces:
        pending += piece
        if "ndjson" in exchange.headers.get("content-type", "") and exchange.status < HTTP_ERROR:
            *lines, pending = pending.split(b"\n")
            for line in lines:
                yield from _event_on(line)
    if exchange.status >= HTTP_ERROR:
        raise refusal_of(exchange.status, _json(pending), route)
    if "ndjson" not in exchange.headers.get("content-type", ""):
        yield from _events_in_answer(_json(pending))


def _event_on(line: bytes) -> Iterator[Event]:
    told = _json(line)
    if isinstance(told, dict):
        event = event_of(str(told.get("event")), told.get("data") or {})
        if event:
            yield event


def _events_in_answer(answer: Any) -> Iterator[Event]:
    """Yield the events of a prediction that was answered as a whole, as Cog's server does."""
    if not isinstance(answer, dict) or "status" not in answer:
        raise InstanceError("The model's server answered something else than a prediction")
    if answer.get("logs"):
        yield Log(str(answer["logs"]))
    yield Output(answer.get("output"), None)
    yield completed_of(answer)


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


def _data_url(path: Path) -> str:
    content = base64.b64encode(path.read_bytes()).decode("ascii")
    return f"data:application/octet-stream;base64,{content}"


def _deadline(timeout_s: float | None) -> float | None:
    return None if timeout_s is None else time.monotonic() + timeout_s


def _timed_out(timeout_s: float) -> SetupFailed:
    return SetupFailed(
        "Timed out", hint=f"setup() took longer than {timeout_s:g} s; raise it with --setup-timeout"
    )


def _epitaph(exit_code: int | None) -> str | None:
    if exit_code is None:
        return None
    if exit_code >= 0:
        return f"The model's server ended with exit code {exit_code}"
    likely = " (likely out of memory)" if exit_code == -signal.SIGKILL else ""
    return f"The model's server was killed by signal {-exit_code}{likely}"
