"""The routes: which path and method means what."""

import asyncio
import importlib
import traceback
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec

from cog.server.container_log import ContainerLog
from cog.server.errors import Refusal, text_refusal
from cog.server.intake import Intake
from cog.server.model import Model
from cog.server.reply import Reply, Request
from cog.server.settings import Settings

NO_SCHEMA = b'{"error":"OpenAPI schema not available"}'
NO_TRAINING = b'{"detail":"This server does not train: start it with `--x-mode train`"}'
METRICS_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
MAX_QUEUED_IDS = 100
"""Of those that wait, in `/health-check`: the first ones, each at its position."""
NOUNS = {b"predictions": "prediction", b"trainings": "training"}


class App:
    """Answers requests."""

    def __init__(
        self,
        settings: Settings,
        log: ContainerLog,
        model: Model,
        intake: Intake,
        *,
        shut_down: Callable[[], None],
        version: str,
    ) -> None:
        self._settings = settings
        self._log = log
        self._model = model
        self._intake = intake
        self._shut_down = shut_down
        self._version = version
        self._asking: set[asyncio.Task[None]] = set()
        self._exposition: Any = None
        """What writes `/metrics`, made when it is first asked for."""
        self._fixed: dict[bytes, tuple[bytes, Callable[[Request, Reply], None]]] = {
            b"/predictions": (b"POST", self._create),
            b"/": (b"GET,HEAD", self._index),
            b"/health-check": (b"GET,HEAD", self._health),
            b"/openapi.json": (b"GET,HEAD", self._document),
            b"/docs": (b"GET,HEAD", self._docs),
            b"/metrics": (b"GET,HEAD", self._metrics),
            b"/shutdown": (b"POST", self._leave),
        }

    def respond(self, request: Request, reply: Reply) -> None:
        """Answer a request, at once or once there is an answer."""
        try:
            self._route(request, reply)
        except Refusal as refusal:
            reply.send(refusal.status, refusal.body, refusal.content_type)
        except Exception:  # noqa: BLE001 - the server's own mistake must not end the server
            self._log.error("Request failed", error=traceback.format_exc())
            reply.send(500, b'{"error":"Internal server error","status":"failed"}')

    def _route(self, request: Request, reply: Reply) -> None:
        fixed = self._fixed.get(request.path)
        if fixed is not None:
            allowed, answer = fixed
            if _refuse_method(request, reply, allowed):
                return
            answer(request, reply)
            return
        match request.path.split(b"/"):
            case [b"", b"predictions" | b"trainings" as kind, *rest]:
                self._route_prediction(request, reply, kind, rest)
            case _:
                reply.send(404, b"")

    def _route_prediction(
        self, request: Request, reply: Reply, kind: bytes, rest: list[bytes]
    ) -> None:
        if kind == b"trainings" and self._settings.mode != "train":
            reply.send(404, NO_TRAINING)
            return
        match rest:
            case []:
                if not _refuse_method(request, reply, b"POST"):
                    self._intake.take(request, reply, path_id=None, noun=NOUNS[kind])
            case [name] if name:
                if not _refuse_method(request, reply, b"PUT"):
                    self._intake.take(request, reply, path_id=_id(name), noun=NOUNS[kind])
            case [name, b"cancel"] if name:
                if not _refuse_method(request, reply, b"POST"):
                    is_known = self._model.predictions.cancel(_id(name))
                    reply.send(200 if is_known else 404, b"{}")
            case _:
                reply.send(404, b"")

    def _create(self, request: Request, reply: Reply) -> None:
        self._intake.take(request, reply, path_id=None, noun="prediction")

    def _index(self, _request: Request, reply: Reply) -> None:
        urls = {
            "cog_version": self._version,
            "docs_url": "/docs",
            "openapi_url": "/openapi.json",
            "shutdown_url": "/shutdown",
            "healthcheck_url": "/health-check",
            **_prediction_urls("prediction"),
        }
        if self._model.has_training:
            urls |= _prediction_urls("training")
        reply.send(200, msgspec.json.encode(urls))

    def _document(self, _request: Request, reply: Reply) -> None:
        if self._model.document is None:
            raise Refusal(503, NO_SCHEMA)
        reply.send(200, self._model.document)

    def _docs(self, request: Request, reply: Reply) -> None:
        from cog.server import docs_page  # noqa: PLC0415 - most servers are never looked at

        if self._model.document is None:
            raise Refusal(503, NO_SCHEMA)
        noun = "training" if self._settings.mode == "train" else "prediction"
        host = request.headers.get(b"host", b"").decode("latin-1")
        page = docs_page.render(self._model.document, noun=noun, host=host)
        reply.send(200, page, docs_page.CONTENT_TYPE, headers=docs_page.HEADERS)

    def _metrics(self, _request: Request, reply: Reply) -> None:
        self._later(self._metrics_later(reply))

    async def _metrics_later(self, reply: Reply) -> None:
        if self._exposition is None:
            loop = asyncio.get_running_loop()
            name = "cog.server.exposition"  # its library takes 0.1 s to import
            exposition = await loop.run_in_executor(None, importlib.import_module, name)
            self._exposition = exposition.Exposition(self._model)
        reply.send(200, self._exposition.text(), METRICS_TYPE)

    def _later(self, steps: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(steps)
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    def _leave(self, _request: Request, reply: Reply) -> None:
        reply.send(200, b"{}")
        self._shut_down()

    def _health(self, _request: Request, reply: Reply) -> None:
        loaded = self._model.worker.loaded
        if loaded is None or not loaded.has_healthcheck:
            reply.send(200, msgspec.json.encode(self._health_fields(None)))
            return
        self._later(self._health_later(reply))

    async def _health_later(self, reply: Reply) -> None:
        error = await self._model.health_error()
        reply.send(200, msgspec.json.encode(self._health_fields(error)))

    def _health_fields(self, error: str | None) -> dict[str, Any]:
        worker = self._model.worker
        status = self._model.status
        if status == "READY":
            self._touch_ready_file()
        fields: dict[str, Any] = {"status": status, "setup": worker.setup.fields()}
        if error is not None:
            fields |= {"status": "UNHEALTHY", "user_healthcheck_error": error}
        version = {"cog": self._version, "python_sdk": self._version}
        if worker.loaded is not None:
            version["python"] = worker.loaded.python
            slots = {"max": worker.loaded.slots, "current": self._model.predictions.count}
            fields["concurrency"] = slots
        if self._settings.queue_size:
            queued = self._model.predictions.queue.ids
            fields["queue"] = {
                "max": self._settings.queue_size,
                "current": len(queued),
                "ids": queued[:MAX_QUEUED_IDS],
            }
        return {**fields, "version": version}

    def _touch_ready_file(self) -> None:
        if self._settings.ready_file is not None:
            path = Path(self._settings.ready_file)
            with suppress(OSError):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()


def _refuse_method(request: Request, reply: Reply, allowed: bytes) -> bool:
    """Answer 405 unless the method is allowed; say whether that was done."""
    method = request.method.encode()
    if method == allowed or method in allowed.split(b","):
        return False
    reply.send(405, b"", headers=b"allow: %b\r\n" % allowed)
    return True


def _id(name: bytes) -> str:
    try:
        return unquote_to_bytes(name).decode()
    except UnicodeDecodeError as error:
        raise text_refusal(400, "Invalid URL: Invalid UTF-8 in `id`") from error


def _prediction_urls(noun: str) -> dict[str, str]:
    one = f"/{noun}s/{{{noun}_id}}"
    return {
        f"{noun}s_url": f"/{noun}s",
        f"{noun}s_idempotent_url": one,
        f"{noun}s_cancel_url": f"{one}/cancel",
    }
