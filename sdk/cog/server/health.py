"""The model's own `healthcheck()`: asked for at most once at a time, and never waited for long."""

import asyncio

from cog.server.grace import Grace
from cog.server.worker import Worker
from cog.worker.messages import CheckHealth, Health

TIMED_OUT = "Healthcheck failed: user-defined healthcheck timed out after {:.1f} seconds"


class UserHealth:
    """Asks the worker; who asks meanwhile shares the answer."""

    def __init__(self, worker: Worker, *, limit_s: float) -> None:
        self._worker = worker
        self._limit_s = limit_s
        self._timed_out = TIMED_OUT.format(limit_s)
        self._seq = 0
        self._answer: asyncio.Future[str | None] | None = None
        self._limit: asyncio.TimerHandle | None = None
        self._grace: Grace | None = None
        """Runs while a canceled check has not come back."""

    @property
    def is_asked(self) -> bool:
        return self._answer is not None

    async def check(self) -> str | None:
        """Return what is wrong; None when the model is healthy."""
        if self._answer is None and self._grace is not None:
            return self._timed_out
        if self._answer is None:
            loop = asyncio.get_running_loop()
            self._answer = loop.create_future()
            self._seq = self._worker.next_seq()
            self._limit = loop.call_later(self._limit_s, self._overdue)
            self._worker.send(CheckHealth(self._seq))
        return await asyncio.shield(self._answer)

    def receive(self, health: Health) -> None:
        """Take the worker's answer; a late one says only that it can go on."""
        if health.seq == self._seq:
            self._stop_grace()
            self._settle(health.error)

    def died(self) -> None:
        """Note that the worker will not answer."""
        self._stop_grace()
        self._settle("Healthcheck failed: the worker died")

    def _overdue(self) -> None:
        self._settle(self._timed_out)
        self._grace = self._worker.cancel(self._seq)

    def _settle(self, error: str | None) -> None:
        if self._limit is not None:
            self._limit.cancel()
        if self._answer is not None:
            self._answer.set_result(error)
            self._answer = None

    def _stop_grace(self) -> None:
        if self._grace is not None:
            self._grace.end()
            self._grace = None
