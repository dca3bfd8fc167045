"""Tells webhooks how a prediction goes, before it ends: in memory only, and each time once.

What happens while a call is being made, or within half a second of it, is told by the next one:
every call shows the prediction as it is then.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakValueDictionary

import structlog

from coghub.database.attempts import Batch
from coghub.database.webhooks import host_of, new_delivery_id
from coghub.domain.prediction import DEFAULT_WEBHOOK_EVENTS, EventKind, WebhookEvent
from coghub.scheduler.webhooks import PER_RECEIVER, Caller

log = structlog.get_logger()

THROTTLE_S = 0.5
"""Between two calls about output or logs of one prediction."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who wants to hear of a prediction, and of what."""

    prediction_id: str
    account_id: int
    url: str
    events: frozenset[WebhookEvent]


def receiver(
    prediction_id: str, account_id: int, url: str | None, events: Sequence[str] | None
) -> Receiver | None:
    """Return who wants to hear of a prediction on its way, if anybody does."""
    wanted = DEFAULT_WEBHOOK_EVENTS if events is None else frozenset(map(WebhookEvent, events))
    wanted -= {WebhookEvent.COMPLETED}
    return Receiver(prediction_id, account_id, url, wanted) if url and wanted else None


class Progress:
    """Tells receivers what instances tell."""

    def __init__(self, caller: Caller, *, throttle_s: float = THROTTLE_S) -> None:
        self._caller = caller
        self._throttle_s = throttle_s
        self._telling = dict[str, _Telling]()
        self._lanes = WeakValueDictionary[tuple[int, str], asyncio.Semaphore]()

    def on_batch(self, receiver: Receiver, batch: Batch) -> None:
        """Take in what was written of a prediction."""
        news = receiver.events & _events_of(batch)
        if batch.end is not None:  # all of it is in the call that tells of the end
            news &= {WebhookEvent.START}
        telling = self._telling.get(receiver.prediction_id)
        if telling is not None:
            telling.news |= news
        elif news:
            self._begin(receiver, news)

    async def stop(self) -> None:
        """Give up what is under way: none of it is sent again."""
        tasks = [telling.task for telling in self._telling.values() if telling.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        while tasks := [it.task for it in self._telling.values() if it.task is not None]:
            await asyncio.wait(tasks)

    def _begin(self, receiver: Receiver, news: frozenset[WebhookEvent]) -> None:
        key = (receiver.account_id, host_of(receiver.url))
        lane = self._lanes.setdefault(key, asyncio.Semaphore(PER_RECEIVER))
        telling = _Telling(self._caller, receiver, lane, self._throttle_s, set(news))
        self._telling[receiver.prediction_id] = telling
        telling.task = asyncio.create_task(telling.run(), name="webhook progress")
        telling.task.add_done_callback(lambda _: self._telling.pop(receiver.prediction_id))


@dataclass(slots=True)
class _Telling:
    """What one receiver is being told; it ends once there was no news for a while."""

    caller: Caller
    receiver: Receiver
    lane: asyncio.Semaphore
    throttle_s: float
    news: set[WebhookEvent]
    task: asyncio.Task[None] | None = None

    async def run(self) -> None:
        while self.news:
            is_start = WebhookEvent.START in self.news
            async with self.lane:
                self.news.clear()
                try:
                    await self._tell(is_start=is_start)
                except Exception:
                    log.exception(
                        "webhook failed",
                        prediction_id=self.receiver.prediction_id,
                        account_id=self.receiver.account_id,
                    )
            await asyncio.sleep(self.throttle_s)

    async def _tell(self, *, is_start: bool) -> None:
        shown = await self.caller.show(self.receiver.prediction_id)
        if shown is None or (shown.is_ended and not is_start):
            return
        attempt = await self.caller.call(
            self.receiver.account_id, self.receiver.url, new_delivery_id(), shown.body
        )
        if attempt.error is not None:
            log.info(
                "webhook not taken",
                prediction_id=self.receiver.prediction_id,
                account_id=self.receiver.account_id,
                error=attempt.error,
            )


def _events_of(batch: Batch) -> frozenset[WebhookEvent]:
    kinds = {kind for kind, _ in batch.told}
    happened: dict[WebhookEvent, object] = {
        WebhookEvent.START: batch.started_at,
        WebhookEvent.OUTPUT: EventKind.OUTPUT in kinds,
        WebhookEvent.LOGS: EventKind.LOGS in kinds,
    }
    return frozenset(event for event, has_happened in happened.items() if has_happened)
