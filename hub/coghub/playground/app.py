"""The HTTP of a playground: one page, and what its scripts ask for.

It listens on loopback unless told otherwise, and answers no other Host and no page of others: a
name that somebody else's DNS points here must not reach the model.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

import cog
from coghub.api.bodies import read_json, require_shallow
from coghub.api.content import Content, content_response
from coghub.api.errors import problem
from coghub.api.multipart import Part, read_parts
from coghub.api.rendering import json_response
from coghub.api.streams import HEADERS, HELLO, sse
from coghub.domain.clock import utc_now
from coghub.domain.errors import (
    BadRequest,
    CoghubError,
    FileNotFound,
    Forbidden,
    InputRejected,
    InstanceError,
    PredictionNotFound,
    TooLarge,
)
from coghub.domain.file import DEFAULT_NAME, DEFAULT_TYPE
from coghub.domain.prediction import Chunk
from coghub.files.files import MAX_FILE_BYTES, TOO_LARGE
from coghub.instances.client import InstanceClient
from coghub.playground.run import Run
from coghub.playground.shelf import Shelf
from coghub.predictions.validation import InputCheck
from coghub.ui.form import fields_of, values_of
from coghub.ui.headers import is_same_site, with_headers
from coghub.ui.output import WEB_URL, Block, ShownFile, blocks_of, file_at
from coghub.ui.page_stream import LABELS, PageStream
from coghub.ui.schema import output_kind
from coghub.ui.snippets import target_snippets
from coghub.ui.static_files import static_file, static_root
from coghub.ui.templates import environment, to_json

MAX_INPUT_BYTES = 100 * 1024**2
"""As much as a model's server takes."""
MAX_RUNS = 50
"""That are remembered, the newest."""
CREATED = 201
NOT_KEPT = {"cache-control": "no-store"}
TEMPLATES = environment(Path(__file__).with_name("templates"))


class InputBody(msgspec.Struct):
    """What the form sends."""

    input: dict[str, Any]


class Playground:
    """The playground of the model that a server serves."""

    def __init__(self, target: str) -> None:
        self.target = target
        self._client = InstanceClient(target, is_silent=True)
        self._shelf = Shelf()
        self._runs = OrderedDict[str, Run]()
        self._tasks = set[asyncio.Task[None]]()

    def app(self) -> Starlette:
        """Return the application."""
        routes = [
            Route("/", self.page),
            Route("/config", self.config),
            Route("/static/{hash}/{name:path}", static_file),
            Route("/run", self.run, methods=["POST"]),
            Route("/check", self.check, methods=["POST"]),
            Route("/uploads", self.upload, methods=["POST"]),
            Route("/files/{key}/{name}", self.file),
            Route("/p/{run_id}/events", self.events),
            Route("/p/{run_id}/output.json", self.output),
            Route("/p/{run_id}/cancel", self.cancel, methods=["POST"]),
        ]
        app = Starlette(routes=routes, exception_handlers={CoghubError: _refusal})
        app.add_middleware(Guarded)
        return app

    async def close(self) -> None:
        """End what runs, and remove the files."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.close()
        self._shelf.close()

    async def page(self, request: Request) -> Response:
        """Show the form; before the model is ready, how far it is."""
        try:
            document = await self._client.document()
            health = await self._client.health()
        except InstanceError as error:
            return self._page("waiting.html", reason=error.message, logs="")
        setup = health.get("setup") or {}
        if health.get("status") == "STARTING" or not document.get("components"):
            reason = "The model is being set up"
            return self._page("waiting.html", reason=reason, logs=setup.get("logs") or "")
        fields = fields_of(document)
        values = values_of(fields, request.query_params)
        return self._page(
            "page.html",
            fields=[it for it in fields if not it.is_deprecated],
            deprecated=[it for it in fields if it.is_deprecated],
            values=values,
            output=output_kind(document),
            health=str(health.get("status") or ""),
            setup_logs=setup.get("logs") or "",
            snippets=target_snippets(self.target, values),
        )

    async def config(self, request: Request) -> Response:
        """Say what this is."""
        del request
        return _json({"target": self.target, "webhookBase": "", "cogVersion": cog.__version__})

    async def check(self, request: Request) -> Response:
        """Say what of an input does not fit."""
        body = await self._body(request)
        try:
            InputCheck(await self._client.document())(body.input)
        except InputRejected as error:
            return _json({"fields": error.fields})
        return _json({"fields": []})

    async def run(self, request: Request) -> Response:
        """Run a prediction, and return what the page shows of it."""
        body = await self._body(request)
        document = await self._client.document()
        InputCheck(document)(body.input)
        given = await self._shelf.given(body.input, _address(request))
        run = Run(body.input)
        self._runs[run.id] = run
        while len(self._runs) > MAX_RUNS:
            self._runs.popitem(last=False)
        task = asyncio.create_task(run.go(self._client, given, self._shelf))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return _json({"id": run.id, "html": self._result(run, document)}, CREATED)

    async def events(self, request: Request) -> Response:
        """Tell the page what happens."""
        run, document = self._run(request), await self._client.document()
        return StreamingResponse(self._events(run, document), headers=HEADERS)

    async def _events(self, run: Run, document: dict[str, Any]) -> AsyncIterator[bytes]:
        yield HELLO
        stream = PageStream(document, lambda output: self._drawn(output, document))
        number = 0
        async for status, told in run.follow():
            logs = "".join(it for it in told if isinstance(it, str))
            chunks = [it for it in told if isinstance(it, Chunk)]
            for name, content in stream.told(status, logs=logs, new_logs=logs, chunks=chunks):
                number += 1
                yield sse(name, number, to_json(content))
            if not status.is_final:
                await asyncio.sleep(stream.pause_s)
        yield sse("end", number + 1, to_json({"html": self._result(run, document)}))

    async def output(self, request: Request) -> Response:
        """Give the whole output as JSON."""
        run = self._run(request)
        headers = {"content-disposition": f"attachment; filename={run.id}.json"}
        return Response(to_json(run.output), headers=headers, media_type="application/json")

    async def cancel(self, request: Request) -> Response:
        """Cancel a prediction."""
        run = self._run(request)
        if not run.status.is_final:
            await self._client.cancel(run.id)
        return _json({"status": run.status})

    async def upload(self, request: Request) -> Response:
        """Keep a file for an input."""
        head, content = Part("content", DEFAULT_NAME, DEFAULT_TYPE), bytearray()
        async for event in read_parts(request):
            match event:
                case Part():
                    head = event
                case bytes():
                    content += event
            if len(content) > MAX_FILE_BYTES:
                raise TooLarge(TOO_LARGE)
        kept = await self._shelf.add(
            head.filename or DEFAULT_NAME, head.content_type or DEFAULT_TYPE, bytes(content)
        )
        return _json({"url": f"{_address(request)}{kept.place}", "name": kept.name}, CREATED)

    async def file(self, request: Request) -> Response:
        """Give a file of an input or output."""
        kept = self._shelf.find(request.path_params["key"])
        content = Content(
            name=kept.name,
            content_type=kept.content_type,
            size_bytes=kept.path.stat().st_size,
            etag=kept.key,
            modified_at=utc_now(),
            cache_control="private, max-age=3600",
        )
        return await content_response(request, content, partial(self._shelf.read, kept))

    async def _body(self, request: Request) -> InputBody:
        body = await read_json(request, InputBody, limit_bytes=MAX_INPUT_BYTES)
        require_shallow(body.input, "input")
        return body

    def _run(self, request: Request) -> Run:
        run = self._runs.get(request.path_params["run_id"])
        if run is None:
            raise PredictionNotFound(request.path_params["run_id"])
        return run

    def _blocks(self, output: Any, document: dict[str, Any]) -> list[Block]:
        return blocks_of(output, document, self._file_of)

    def _file_of(self, text: str) -> ShownFile | None:
        if text.startswith("/files/"):
            try:
                kept = self._shelf.find(text.split("/")[2])
            except (FileNotFound, IndexError):
                return None
            return ShownFile(text, kept.name, kept.content_type)
        return file_at(text, is_ours=False) if WEB_URL.fullmatch(text) else None

    def _drawn(self, output: Any, document: dict[str, Any]) -> str:
        blocks = self._blocks(output, document)
        return TEMPLATES.get_template("blocks.html").render(blocks=blocks, before=None)

    def _result(self, run: Run, document: dict[str, Any]) -> str:
        return TEMPLATES.get_template("run.html").render(
            run=run,
            label=LABELS[run.status],
            blocks=self._blocks(run.output, document),
        )

    def _page(self, template: str, **values: Any) -> Response:
        frame = {"csrf": "", "static": static_root(), "target": self.target}
        html = TEMPLATES.get_template(template).render({**frame, **values})
        return HTMLResponse(html, headers=NOT_KEPT)


class Guarded:
    """Refuses other hosts and pages of others, and puts the headers of pages on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse."""
        refusal, dressed = _strange(Request(scope)), with_headers(send)
        if refusal:
            await problem(Forbidden(refusal))(scope, receive, dressed)
        else:
            await self._app(scope, receive, dressed)


def _strange(request: Request) -> str | None:
    """Return why a request is not answered."""
    host = request.headers.get("host", "")
    name = urlsplit(f"//{host}").hostname or ""
    listens_on = (request.scope.get("server") or ("", 0))[0]
    is_loopback = name in {"localhost", "::1"} or name.startswith("127.")
    if not is_loopback and name != listens_on:
        return f"This playground is not called {host}"
    if request.method == "POST" and not is_same_site(request, host):
        return "The request comes from a page of another site"
    return None


def _address(request: Request) -> str:
    return f"http://{request.headers.get('host', '')}"


def _json(content: Any, status: int = 200) -> Response:
    return json_response(content, status, NOT_KEPT)


async def _refusal(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, CoghubError)
    return problem(BadRequest(error.message) if isinstance(error, InstanceError) else error)
