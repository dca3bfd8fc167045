"""Takes up what a hub left that is gone: it was stopped or killed, or stood still for too long."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress

import structlog

from coghub.database import attempts
from coghub.database import hubs as rows
from coghub.database.database import Database
from coghub.domain.clock import Clock
from coghub.domain.prediction import End, Status
from coghub.domain.signals import Signals, Waiting

log = structlog.get_logger()

EVERY_S = 10.0
"""Without being told that a hub is gone."""
RESTARTED = "The hub was stopped while the prediction ran, and it had output already"
TRAINING_RESTARTED = "The hub was stopped while the training ran"


class LeftBehind:
    """Lets those wait again that told no output; a stop of the hub is not their fault.

    A training is not begun twice: it may have cost hours, or changed something elsewhere.
    """

    def __init__(
        self,
        database: Database,
        signals: Signals,
        now: Clock,
        on_waiting: Callable[[Waiting], None],
    ) -> None:
        self._database = database
        self._signals = signals
        self._now = now
        self._on_waiting = on_waiting
        self._is_needed = asyncio.Event()

    def look_soon(self) -> None:
        """Look at once: a hub is gone."""
        self._is_needed.set()

    async def run(self) -> None:
        """Look now and then, and when it is needed, until canceled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY_S):
                    await self._is_needed.wait()
            self._is_needed.clear()
            try:
                await self.take_up()
            except Exception as error:  # noqa: BLE001 - it is tried again
                log.warning("nothing taken up", error=str(error))

    async def take_up(self) -> None:
        """Take up all that is left behind."""
        now = self._now()
        has_instances, all_left = await self._database.read(
            lambda c: (rows.has_left_instances(c), rows.left_behind(c))
        )
        if has_instances:
            await self._database.write(lambda c: rows.end_instances(c, now))
        for left in all_left:
            try:
                await self._take_up(left)
            except Exception:  # the others are to run all the same; its time will be over
                log.exception(
                    "prediction could not be taken up",
                    prediction_id=left.id,
                    account_id=left.account_id,
                )

    async def _take_up(self, left: Waiting) -> None:
        now = self._now()
        end = End(Status.FAILED, TRAINING_RESTARTED if left.is_training else RESTARTED)
        outcome = await self._database.write(lambda c: attempts.release(c, left, end, now))
        if isinstance(outcome, Mapping):
            self._signals.ended_by_status[end.status] += 1
            self._signals.ended(left.id, outcome)
        elif outcome is not None:
            self._signals.changed(left.id)
            self._on_waiting(outcome)
