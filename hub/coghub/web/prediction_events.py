"""A prediction as server-sent events for a page; see `ui.page_stream` for what they say.

Whoever loses the connection comes back with the number of the last event: logs go on behind it,
the output is shown anew.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from coghub.api.streams import ALIVE, ALIVE_S, HELLO, sse
from coghub.domain.prediction import Chunk, Prediction
from coghub.predictions.predictions import Batch
from coghub.ui.page_stream import PageStream, Told
from coghub.ui.templates import to_json
from coghub.web.sight import Sight
from coghub.web.site import Site, Visit


class Watching:
    """Tells one page of one prediction."""

    def __init__(self, site: Site, sight: Sight, visit: Visit, prediction: Prediction) -> None:
        self._site = site
        self._sight = sight
        self._visit = visit
        self._prediction = prediction
        self._stream = PageStream(prediction.version.openapi_schema, self._draw)

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
            if not batch.status.is_final:
                await asyncio.sleep(self._stream.pause_s)
        ended = await self._site.hub.predictions.find(self._prediction.id)
        if ended.status.is_final:
            html = str(await self._sight.result(self._visit, ended))
            yield sse("end", last + 1, to_json({"html": html}))

    def _told(self, batch: Batch, after: int) -> list[Told]:
        logs = [(it.sequence, it.content) for it in batch.events if isinstance(it.content, str)]
        return self._stream.told(
            batch.status,
            logs="".join(text for _, text in logs),
            new_logs="".join(text for sequence, text in logs if sequence > after),
            chunks=[it.content for it in batch.events if isinstance(it.content, Chunk)],
        )

    def _draw(self, output: Any) -> str:
        blocks = self._sight.blocks(output, self._prediction)
        return str(self._site.html("blocks.html", blocks=blocks, before=None))
