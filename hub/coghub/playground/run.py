"""One prediction of a playground, in memory: what it told, and who waits for more."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from coghub.domain.errors import InstanceError
from coghub.domain.ids import new_id
from coghub.domain.instance_event import Completed, Event, Log, Output, Started
from coghub.domain.prediction import Chunk, Status, output_of
from coghub.instances.client import InstanceClient
from coghub.playground.shelf import Shelf


@dataclass
class Run:
    """A prediction."""

    input: Mapping[str, Any]
    id: str = field(default_factory=new_id)
    status: Status = Status.STARTING
    told: list[str | Chunk] = field(default_factory=list)
    error: str | None = None
    metrics: dict[str, Any] = field(default_factory=dict)
    is_list: bool = False
    began_s: float = field(default_factory=monotonic)
    took_s: float | None = None
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def logs(self) -> str:
        """What it said so far."""
        return "".join(it for it in self.told if isinstance(it, str))

    @property
    def output(self) -> Any:
        """What it made so far."""
        chunks = (it for it in self.told if isinstance(it, Chunk))
        return output_of(chunks, is_list=self.is_list)

    async def go(self, client: InstanceClient, given: Mapping[str, Any], shelf: Shelf) -> None:
        """Run it to its end; what goes wrong is its end too."""
        try:
            async for _, event in client.predict(self.id, {"input": given}):
                await self._take(event, shelf)
        except InstanceError as error:
            await self._end(Status.FAILED, error.message)
        except asyncio.CancelledError:
            await self._end(Status.CANCELED, None)
            raise

    async def follow(self) -> AsyncIterator[tuple[Status, list[str | Chunk]]]:
        """Yield what it tells, in batches, until it has ended."""
        known, status = 0, None
        while True:
            async with self.changed:
                while known == len(self.told) and status is self.status:
                    await self.changed.wait()
                status, new = self.status, self.told[known:]
            known += len(new)
            yield status, new
            if status.is_final and known == len(self.told):
                return

    async def _take(self, event: Event, shelf: Shelf) -> None:
        match event:
            case Started():
                await self._tell(Status.PROCESSING)
            case Log(text=text):
                await self._tell(Status.PROCESSING, text)
            case Output(chunk=chunk, index=index):
                if chunk is not None or index is not None:
                    value = await shelf.taken(chunk)
                    await self._tell(Status.PROCESSING, Chunk(value, index))
            case Completed(status=status, error=error, metrics=metrics, is_list=is_list):
                self.is_list = is_list
                self.metrics |= metrics
                await self._end(Status(status), error)
            case _:
                self.metrics[event.name] = event.value

    async def _tell(self, status: Status, *told: str | Chunk) -> None:
        async with self.changed:
            self.status = status
            self.told += told
            self.changed.notify_all()

    async def _end(self, status: Status, error: str | None) -> None:
        self.error = error
        self.took_s = monotonic() - self.began_s
        await self._tell(status)
