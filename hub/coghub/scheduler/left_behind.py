"""Takes up what a hub left that is gone: it was stopped or killed, or stood still for too long.

Also what this hub gave to an instance and does not know of, as the connection to the database broke
before the answer to a commit came.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

import structlog
from sqlalchemy import Connection

from coghub.database import attempts
from coghub.database import hubs as rows
from coghub.database.database import Database
from coghub.domain.clock import Clock
from coghub.domain.prediction import End, Status
from coghub.domain.signals import Signals, Waiting

log = structlog.get_logger()

EVERY_S = 10.0
"""Without being told that a hub is gone."""
STRAY_S = 2.0
"""So long a row may say that this hub runs a prediction which it does not: longer than a read."""
RESTARTED = "The hub was stopped while the prediction ran, and it had output already"
TRAINING_RESTARTED = "The hub was stopped while the training ran"


@dataclass(frozen=True, slots=True)
class Own:
    """What this hub knows of what it runs itself."""

    hub_id: Callable[[], int]
    runs: Collection[str]


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
        own: Own,
    ) -> None:
        self._database = database
        self._signals = signals
        self._now = now
        self._on_waiting = on_waiting
        self._own = own
        self._strays = dict[tuple[str, int], float]()
        """Id and attempt → when it was first seen that nothing here runs it, by a steady clock."""
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
        hub_id = self._own.hub_id()

        def read(connection: Connection) -> tuple[bool, Sequence[Waiting], Sequence[Waiting]]:
            left = rows.left_behind(connection)
            return rows.has_left_instances(connection), left, rows.run_by(connection, hub_id)

        has_instances, left_by_others, own = await self._database.read(read)
        # What runs here although a row says otherwise has to end first: see the next look.
        left = [it for it in left_by_others if it.id not in self._own.runs]
        if has_instances:
            await self._database.write(lambda c: rows.end_instances(c, now))
        for it in [*left, *self._long_stray(own)]:
            try:
                await self._take_up(it)
            except Exception:  # the others are to run all the same; its time will be over
                log.exception(
                    "prediction could not be taken up",
                    prediction_id=it.id,
                    account_id=it.account_id,
                )

    def _long_stray(self, own: Sequence[Waiting]) -> list[Waiting]:
        """Return what this hub is said to run and does not, for a while already."""
        now_s, seen = monotonic(), self._strays
        strays = [it for it in own if it.id not in self._own.runs]
        self._strays = {(it.id, it.attempt): seen.get((it.id, it.attempt), now_s) for it in strays}
        return [it for it in strays if now_s - self._strays[it.id, it.attempt] >= STRAY_S]

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
