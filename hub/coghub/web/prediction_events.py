"""What a page is told of a prediction while it runs, as server-sent events.

`status`, `logs` (what is new), `text` (a piece of a text that grows), `output` (the output so far,
as HTML), and `end` with what the page shows from then on. Whoever loses the connection comes back
with the number of the last event; logs go on behind it, the output is shown anew.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from coghub.api.streams import ALIVE, ALIVE_S, HELLO, sse
from coghub.domain.prediction import Chunk, Prediction, Status, output_of
from coghub.predictions.predictions import Batch
from coghub.ui.schema import is_text_stream
from coghub.ui.templates import to_json
from coghub.web.sight import LABELS, Sight
from coghub.web.site import Site, Visit

PAUSE_S = 0.2
"""An output that is not a growing text is drawn at most so often."""


class Watching:
    """Tells one page of one prediction."""

    def __init__(self, site: Site, sight: Sight, visit: Visit, prediction: Prediction) -> None:
        self._site = site
        self._sight = sight
        self._visit = visit
        self._prediction = prediction
        self._is_text = is_text_stream(prediction.version.openapi_schema)
        self._chunks = list[Chunk]()
        self._status: Status | None = None
        self._label = ""

    async def events(self, after: int) -> AsyncIterator[bytes]:
        """Yield the events; of logs those behind the event `after`."""
        yield HELLO
        last = after
        batches = self._site.hub.predictions.watch(self._prediction, alive_s=ALIVE_S)
        async for batch in batches:
            if batch.is_silent:
                yield ALIVE
                continue
            last = max(last, batch.events[-1].sequence if batch.events else 0)
            for name, content in self._told(batch, after):
                yield sse(name, last, to_json(content))
            if not self._is_text and self._chunks and not batch.status.is_final:
                await asyncio.sleep(PAUSE_S)
        ended = await self._site.hub.predictions.find(self._prediction.id)
        if ended.status.is_final:
            yield sse("end", last + 1, to_json({"html": await self._end(ended)}))

    def _told(self, batch: Batch, after: int) -> list[tuple[str, Any]]:
        logs = [
            (event.sequence, event.content)
            for event in batch.events
            if isinstance(event.content, str)
        ]
        found = self._standing(batch.status, "".join(text for _, text in logs))
        new = "".join(text for sequence, text in logs if sequence > after)
        found += [("logs", new)] if new else []
        chunks = [event.content for event in batch.events if isinstance(event.content, Chunk)]
        if chunks:
            is_first = not self._chunks
            self._chunks += chunks
            found.append(self._output(chunks, is_first=is_first))
        return found

    def _standing(self, status: Status, logs: str) -> list[tuple[str, Any]]:
        """Tell where it stands; while it waits, the last line of the logs says that best."""
        label = LABELS[status]
        if status is Status.STARTING:
            lines = [line.strip() for line in logs.splitlines() if line.strip()]
            label = lines[-1][:200] if lines else self._label or label
        if (status, label) == (self._status, self._label):
            return []
        self._status, self._label = status, label
        return [("status", {"status": status, "label": label})]

    def _output(self, chunks: list[Chunk], *, is_first: bool) -> tuple[str, Any]:
        if self._is_text:
            text = "".join(_text(chunk.value) for chunk in chunks)
            return "text", {"text": text, "isFirst": is_first}
        shown = replace(self._prediction, output=output_of(self._chunks))
        html = self._site.html("blocks.html", blocks=self._sight.blocks(shown), before=None)
        return "output", {"html": str(html)}

    async def _end(self, prediction: Prediction) -> str:
        values = await self._sight.values(self._visit, prediction)
        return str(self._site.html("result.html", **self._site.frame(self._visit), **values))


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "".join(map(_text, value))
    return value if isinstance(value, str) else to_json(value)
