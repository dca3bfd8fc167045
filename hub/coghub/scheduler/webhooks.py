"""Delivers webhooks about ended predictions: rows that are due, until each is taken or given up.

1. The end of a prediction and the row of its webhook are one transaction.
2. `tick` takes rows that are due, a few of each receiver at once, so that a slow one delays nobody.
3. Each is sent with the prediction as it is now, signed, and under the same id every time.
4. A row that was not taken is due again, later each time; the last time is a minute after the end.

A hub that is killed in between sends again after its start: a receiver may be told twice.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from coghub.accounts.webhook_secret import WebhookSecrets, signed_headers
from coghub.database import webhooks as rows
from coghub.database.database import Database
from coghub.database.webhooks import Attempt, Delivery
from coghub.domain.clock import Clock
from coghub.domain.statistics import Statistics
from coghub.scheduler.patience import patiently
from coghub.scheduler.posting import Poster

log = structlog.get_logger()

TICK_S = 1.0
"""How often rows are looked at that nobody announced."""
MAX_ATTEMPTS = 7
"""With pauses of 1, 2, 4, 8, 16 and 32 s the last is about a minute after the first."""
PER_RECEIVER = 8
"""Calls of one account to one host at once."""
PER_ACCOUNT = 64
"""Calls of one account at once."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A prediction as its owner is shown it now."""

    body: bytes
    is_ended: bool


Show = Callable[[str], Awaitable[Shown | None]]
"""Returns a prediction by its id; None if it is gone."""


@dataclass(frozen=True, slots=True)
class Caller:
    """What every call to a receiver needs."""

    secrets: WebhookSecrets
    show: Show
    poster: Poster
    now: Clock

    async def call(self, account_id: int, url: str, delivery_id: str, body: bytes) -> Attempt:
        """Sign and send a body once, and return how that went."""
        secret = await self.secrets.get(account_id)
        headers = signed_headers(secret, delivery_id, now=self.now(), body=body)
        return await self.poster.post(url, body, headers)


class Webhooks:
    """Sends what is due."""

    def __init__(
        self, database: Database, caller: Caller, statistics: Statistics | None = None
    ) -> None:
        self._database = database
        self._statistics = statistics or Statistics()
        self._caller = caller
        self._wake = asyncio.Event()
        self._is_finishing = False
        self._under_way = dict[str, asyncio.Task[None]]()
        self._of_receiver = Counter[tuple[int, str]]()
        self._of_account = Counter[int]()

    def wake(self) -> None:
        """Let the loop look at once: a prediction has ended."""
        self._wake.set()

    async def run(self) -> None:
        """Tick until canceled; what is under way then goes on, until `stop`.

        A hub that leads no more, as while the database is away, breaks off no call: its receiver
        may have taken it already.
        """
        while True:
            try:
                await self.tick()
            except Exception:
                log.exception("webhooks tick failed")
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_S):
                    await self._wake.wait()
            self._wake.clear()

    async def tick(self) -> int:
        """Begin to send what is due, as far as receivers are free; return how many that were."""
        if self._is_finishing:
            return 0
        now = self._caller.now()
        # Some of them may end while this reads, and stand in what it finds as they were before.
        before = frozenset(self._under_way)
        # Those under way are among the rows, and first in them.
        found = await self._database.read(
            lambda c: rows.due(c, now, per_receiver=2 * PER_RECEIVER, per_account=2 * PER_ACCOUNT)
        )
        begun = [it for it in found if it.id not in before and self._begin(it)]
        return len(begun)

    async def finish(self, limit_s: float) -> None:
        """Begin nothing more, and wait for what is under way: another hub sends from now on."""
        self._is_finishing = True
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await self.idle()

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        while self._under_way:
            await asyncio.wait(self._under_way.values())

    async def stop(self) -> None:
        """Give up what is under way; it stays due."""
        for task in list(self._under_way.values()):
            task.cancel()
        await self.idle()

    def _begin(self, delivery: Delivery) -> bool:
        receiver, account_id = (delivery.account_id, delivery.host), delivery.account_id
        if (
            delivery.id in self._under_way
            or self._of_receiver[receiver] >= PER_RECEIVER
            or self._of_account[account_id] >= PER_ACCOUNT
        ):
            return False
        self._of_receiver[receiver] += 1
        self._of_account[account_id] += 1
        task = asyncio.create_task(self._deliver(delivery), name="webhook")
        self._under_way[delivery.id] = task
        task.add_done_callback(lambda _: self._done(delivery))
        return True

    def _done(self, delivery: Delivery) -> None:
        del self._under_way[delivery.id]
        self._of_receiver -= Counter({(delivery.account_id, delivery.host): 1})
        self._of_account -= Counter({delivery.account_id: 1})  # which drops what is 0

    async def _deliver(self, delivery: Delivery) -> None:
        """Make one attempt and note how it went; only then may the next one be due."""
        started = self._caller.now()
        try:
            attempt = await self._attempt(delivery)
            if attempt is not None:
                await self._record(delivery, attempt, started)
        except Exception:
            log.exception("webhook not noted", **_ids(delivery))
        else:
            self._wake.set()

    async def _attempt(self, delivery: Delivery) -> Attempt | None:
        """Return how it went; a mistake of ours counts too, or it would be repeated for ever.

        A database that is away for a while does not: nothing was sent.
        """

        async def call() -> Attempt | None:
            shown = await self._caller.show(delivery.prediction_id)
            if shown is None:
                return None
            return await self._caller.call(
                delivery.account_id, delivery.url, delivery.id, shown.body
            )

        try:
            return await patiently(call, reason="webhook is due")
        except Exception as error:
            log.exception("webhook not sent", **_ids(delivery))
            return Attempt(None, f"Internal error: {type(error).__name__}")

    async def _record(self, delivery: Delivery, attempt: Attempt, started: datetime) -> None:
        """Note how it went, once that can be written: else the receiver would be told again."""
        now, retry_at = self._caller.now(), _retry_at(delivery, attempt, started)
        await patiently(
            lambda: self._database.write(
                lambda c: rows.record(c, delivery, attempt, now=now, retry_at=retry_at)
            ),
            reason="webhook was sent",
        )
        self._statistics.webhooks[_outcome(attempt, retry_at)] += 1
        if attempt.error is not None and retry_at is None:
            log.warning(
                "webhook given up",
                **_ids(delivery),
                host=delivery.host,
                error=attempt.error,
            )


def _outcome(attempt: Attempt, retry_at: datetime | None) -> str:
    if attempt.error is None:
        return "delivered"
    return "given up" if retry_at is None else "failed"


def _retry_at(delivery: Delivery, attempt: Attempt, started: datetime) -> datetime | None:
    is_last = delivery.attempts + 1 >= MAX_ATTEMPTS
    if attempt.error is None or attempt.is_final or is_last:
        return None
    return started + timedelta(seconds=2**delivery.attempts)


def _ids(delivery: Delivery) -> dict[str, str | int]:
    """Return what every line of the log about a delivery names."""
    return {"prediction_id": delivery.prediction_id, "account_id": delivery.account_id}
