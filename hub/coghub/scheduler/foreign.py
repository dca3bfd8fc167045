"""A prediction on a server that is not ours, as in an image that Cog has built.

It has no guard, so the hub fetches for it: URLs of files become addresses on the hub's second
listener. It answers at the end, and tells meanwhile, by webhooks to that listener, how it stands:
each time all of it, of which only what is new is an event. Files come back as data URLs.
"""

import base64
import binascii
import mimetypes
import secrets
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from coghub.domain.growing_log import GrowingLog
from coghub.domain.instance_event import Completed, Event, Log, Output, Started
from coghub.files.prediction_files import PredictionFiles
from coghub.scheduler.fleet import Member
from coghub.scheduler.patience import patiently
from coghub.trainings.trainings import training_schema

WEBHOOK_EVENTS = ("start", "output", "logs")
WEB = ("http://", "https://")
TOKEN_BYTES = 24


@dataclass(slots=True)
class Foreign:
    """One prediction, as such a server is asked and understood."""

    member: Member
    prediction_id: str
    callback_url: str
    """The instance's own part of the second listener."""
    files: PredictionFiles
    _logs: GrowingLog = field(default_factory=GrowingLog)
    _items: int = 0
    """How many items of the output were told."""

    @contextmanager
    def listening(self, take: Callable[[Event], None]) -> Generator[None]:
        """Inside the block, hand what the server tells by webhooks to `take`."""

        def hear(state: Mapping[str, Any]) -> None:
            for event in self._news(state):
                take(event)

        self.member.tellers[self.prediction_id] = hear
        try:
            yield
        finally:
            self.member.tellers.pop(self.prediction_id, None)
            for token, (prediction_id, _) in list(self.member.fetches.items()):
                if prediction_id == self.prediction_id:
                    del self.member.fetches[token]

    def body(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the server is asked with."""
        properties = _properties(self._document())
        fetched = {
            name: self._fetched(value) if _is_file(properties.get(name, {})) else value
            for name, value in given.items()
        }
        return {
            "input": fetched,
            "webhook": f"{self.callback_url}/webhooks/{self.prediction_id}",
            "webhook_events_filter": list(WEBHOOK_EVENTS),
        }

    async def events_of(self, event: Event) -> list[Event]:
        """Return what is new in an event of the answer at the end."""
        match event:
            case Log(text=text):
                return self._new_logs(text)
            case Output(chunk=list(items)) if self._items:
                stored = [await self._stored(item) for item in items[self._items :]]
                return [Output(item, self._items + at) for at, item in enumerate(stored)]
            case Output(chunk=chunk, index=index):
                return [Output(await self._stored(chunk), index)]
            case Completed() if self._items:
                end = Completed(event.status, event.error, event.metrics, is_list=True)
                return [end]
            case _:
                return [event]

    def _news(self, state: Mapping[str, Any]) -> list[Event]:
        """Return the events that lead from what was told to a state of the prediction."""
        if state.get("id") not in (None, self.prediction_id):
            return []
        news: list[Event] = [Started(self.prediction_id)]
        logs = str(state.get("logs") or "")
        news += self._new_logs(logs[: logs.rfind("\n") + 1])  # what is mid-line may change
        output = state.get("output")
        if self._is_iterator() and isinstance(output, list) and state.get("status") != "starting":
            new = output[self._items :]
            if not any(_is_data_url(item) for item in new):  # a file is told when it is stored
                news += [Output(item, self._items + at) for at, item in enumerate(new)]
                self._items += len(new)
        return news

    def _document(self) -> Mapping[str, Any]:
        """Return what says the inputs and the output of what its server runs."""
        document = self.member.entry.version.openapi_schema
        return (self.member.is_training and training_schema(document)) or document

    def _is_iterator(self) -> bool:
        """Whether the output comes item by item; of another one servers tell a list too."""
        schemas = _schemas(self._document())
        return (schemas.get("Output") or {}).get("x-cog-array-type") == "iterator"

    def _new_logs(self, text: str) -> list[Event]:
        new = self._logs.unseen(text).decode("utf-8", "replace")
        return [Log(new)] if new else []

    def _fetched(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._fetched(item) for item in value]
        is_ours = isinstance(value, str) and value.startswith(self.callback_url)
        if not isinstance(value, str) or is_ours or not value.startswith(WEB):
            return value
        token = secrets.token_urlsafe(TOKEN_BYTES)
        self.member.fetches[token] = (self.prediction_id, value)
        name = value.partition("?")[0].rstrip("/").rpartition("/")[2] or "file"
        return f"{self.callback_url}/fetched/{token}/{name}"

    async def _stored(self, value: Any) -> Any:
        """Return an output in which each data URL is a file of the hub."""
        match value:
            case str() if _is_data_url(value):
                return await self._file(value)
            case list():
                return [await self._stored(item) for item in value]
            case dict():
                return {name: await self._stored(item) for name, item in value.items()}
            case _:
                return value

    async def _file(self, url: str) -> str:
        head, _, encoded = url.partition(",")
        media_type = head.removeprefix("data:").partition(";")[0]
        try:
            content = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            return url
        if media_type in ("", "None"):
            media_type = "application/octet-stream"
        name = f"output{mimetypes.guess_extension(media_type) or ''}"
        return await patiently(
            lambda: self._kept(content, name, media_type), reason="output file comes"
        )

    async def _kept(self, content: bytes, name: str, media_type: str) -> str:
        async with self.files.incoming() as incoming:
            await incoming.write(content)
            return await self.files.add(
                self.prediction_id, incoming, name=name, said_type=media_type
            )


def _is_data_url(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("data:") and ";base64," in value[:200]


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    return (_schemas(schema).get("Input") or {}).get("properties") or {}


def _schemas(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    return (schema.get("components") or {}).get("schemas") or {}


def _is_file(schema: Mapping[str, Any]) -> bool:
    parts = [schema, schema.get("items"), *schema.get("anyOf", ()), *schema.get("allOf", ())]
    whole = [part for part in parts if isinstance(part, dict)]
    return any(part.get("format") == "uri" for part in whole) or any(
        _is_file(part["items"]) for part in whole if isinstance(part.get("items"), dict)
    )
