"""Predictions as clients are shown them.

Rows name files by `coghub:/files/…`; a client is shown their URL below the address by which it
reaches the hub. Official clients make file objects of `https:` and `data:` only: on plain http,
who waited for a prediction is given its files as data URIs.
"""

import base64
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from coghub.api.paging import page_response
from coghub.domain.clock import iso
from coghub.domain.errors import FileNotFound
from coghub.domain.page import Page
from coghub.domain.prediction import FILE_SCHEME, Prediction
from coghub.files.prediction_files import PredictionFiles
from coghub.parts import Hub
from coghub.public_url import base_url

MAX_INLINE_BYTES = 16 * 1024**2
"""Of all files of one answer; what does not fit is shown as a URL."""
FILE = re.compile(rf"{FILE_SCHEME}(?P<path>/files/(?P<key>[\w-]{{43}})/[^/?#\s]+)")


class Files:
    """Shows the files of one answer."""

    def __init__(self, files: PredictionFiles, base: str, *, is_inline: bool) -> None:
        self._files = files
        self._base = base
        self._left_bytes = MAX_INLINE_BYTES if is_inline else 0

    async def shown(self, value: Any) -> Any:
        """Return a value with every file in it as a client is shown it."""
        match value:
            case str():
                return await self._text(value)
            case list():
                return [await self.shown(item) for item in value]
            case Mapping():
                return {name: await self.shown(item) for name, item in value.items()}
            case _:
                return value

    async def _text(self, text: str) -> str:
        found = FILE.fullmatch(text) if text.startswith(FILE_SCHEME) else None
        if found is None:
            return text
        inline = await self._inline(found["key"]) if self._left_bytes else None
        return inline or f"{self._base}{found['path']}"

    async def _inline(self, key: str) -> str | None:
        """Return a file as a data URI; None if it does not fit, or is gone."""
        try:
            file = await self._files.find(key)
            if file.size_bytes > self._left_bytes:
                return None
            content = b"".join([piece async for piece in self._files.read(file)])
        except (FileNotFound, FileNotFoundError):
            return None
        self._left_bytes -= len(content)
        kind = file.content_type.replace(" ", "")
        return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


class PredictionView:
    """Shows predictions."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def files(self, prediction: Prediction, base: str) -> Files:
        """Return what shows a prediction's files to a client that reaches the hub by `base`."""
        is_inline = prediction.is_inline and base.startswith("http:")
        return Files(self._hub.prediction_files, base, is_inline=is_inline)

    async def page(self, request: Request, page: Page[Prediction]) -> Response:
        """Answer with a page of predictions, without their files' content."""
        base = base_url(request, self._hub.settings)
        shown = [await self.linked_json(it, base) for it in page.items]
        views = Page(shown, page.next, page.previous)
        return page_response(request, self._hub.settings, views, lambda it: it)

    async def json(self, prediction: Prediction, base: str) -> dict[str, Any]:
        """Return a prediction for an answer."""
        return await self._json(prediction, base, self.files(prediction, base))

    async def linked_json(self, prediction: Prediction, base: str) -> dict[str, Any]:
        """Return a prediction whose files are URLs, whoever waited for it."""
        files = Files(self._hub.prediction_files, base, is_inline=False)
        return await self._json(prediction, base, files)

    async def example_json(self, prediction: Prediction, base: str) -> dict[str, Any]:
        """Return a prediction for everyone: without what only its maker may know."""
        shown = await self.linked_json(prediction, base)
        for name in ("webhook", "webhook_events_filter"):
            shown.pop(name, None)
        del shown["urls"]["stream"]  # its key would outlive the example
        return shown

    async def _json(self, prediction: Prediction, base: str, files: Files) -> dict[str, Any]:
        linked = Files(self._hub.prediction_files, base, is_inline=False)
        return {
            "id": prediction.id,
            "model": prediction.model,
            "version": prediction.version.id,
            "input": await linked.shown(prediction.input),
            "output": await files.shown(prediction.output),
            "logs": prediction.logs,
            "error": prediction.error,
            "status": prediction.status,
            "source": prediction.source,
            "data_removed": prediction.is_data_removed,
            "created_at": iso(prediction.created_at),
            **_known(prediction),
            "urls": urls(prediction, base),
        }


def urls(prediction: Prediction, base: str) -> dict[str, str]:
    """Return where a client finds a prediction; the stream's URL needs no token."""
    noun = "trainings" if prediction.is_training else "predictions"
    one = f"{base}/v1/{noun}/{quote(prediction.id)}"
    # By this path the JavaScript client knows that a stream's outputs are files.
    kind = "files/streams" if has_file_output(prediction.version.openapi_schema) else "streams"
    return {
        "get": one,
        "cancel": f"{one}/cancel",
        "stream": f"{base}/v1/{kind}/{quote(prediction.stream_key)}",
        "web": f"{base}/p/{quote(prediction.id)}",
    }


def has_file_output(document: Mapping[str, Any]) -> bool:
    """Tell whether a version's output is a file, or a list of files."""
    schema: Any = document
    for name in ("components", "schemas", "Output"):
        schema = schema.get(name) if isinstance(schema, Mapping) else None
    if not isinstance(schema, Mapping):
        return False
    items = schema.get("items")
    inner = items if isinstance(items, Mapping) else schema
    return inner.get("type") == "string" and inner.get("format") == "uri"


def _known(prediction: Prediction) -> dict[str, Any]:
    """Return the fields that are absent until there is something in them."""
    moments = {
        "started_at": prediction.started_at,
        "completed_at": prediction.completed_at,
        "deadline": prediction.deadline,
    }
    known: dict[str, Any] = {name: iso(it) for name, it in moments.items() if it is not None}
    if prediction.status.is_final:
        known["metrics"] = prediction.metrics
    if prediction.deployment is not None:
        known["deployment"] = prediction.deployment
    if prediction.webhook is not None:
        known["webhook"] = prediction.webhook
        if prediction.webhook_events is not None:
            known["webhook_events_filter"] = prediction.webhook_events
    return known
