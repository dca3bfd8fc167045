"""The model's own health check, asked once for everybody, and given up after a while."""

import asyncio

from cog.server.grace import Grace
from cog.server.health import UserHealth
from cog.worker.messages import CheckHealth, Health


class QuietWorker:
    """Answers when a test does."""

    def __init__(self) -> None:
        self.sent: list[CheckHealth] = []
        self.canceled: list[int] = []

    def next_seq(self) -> int:
        return len(self.sent) + 1

    def send(self, message: CheckHealth) -> None:
        self.sent.append(message)

    def cancel(self, seq: int) -> Grace:
        self.canceled.append(seq)
        return Grace(1000, ring=None, give_up=lambda: None)


async def test_who_asks_at_the_same_time_shares_the_answer():
    worker = QuietWorker()
    health = UserHealth(worker, limit_s=60)
    asking = [asyncio.ensure_future(health.check()) for _ in range(3)]
    await asyncio.sleep(0)

    health.receive(Health(1, "Healthcheck failed: cold"))

    assert await asyncio.gather(*asking) == ["Healthcheck failed: cold"] * 3
    assert worker.sent == [CheckHealth(1)]


async def test_a_check_that_takes_too_long_is_canceled_and_not_asked_again_meanwhile():
    worker = QuietWorker()
    health = UserHealth(worker, limit_s=0)
    timed_out = "Healthcheck failed: user-defined healthcheck timed out after 0.0 seconds"

    assert await health.check() == timed_out
    assert worker.canceled == [1]
    assert await health.check() == timed_out
    assert len(worker.sent) == 1

    health.receive(Health(1))
    assert await health.check() == timed_out
    assert len(worker.sent) == 2


async def test_a_death_answers():
    health = UserHealth(QuietWorker(), limit_s=60)
    asking = asyncio.ensure_future(health.check())
    await asyncio.sleep(0)

    health.died()

    assert await asking == "Healthcheck failed: the worker died"
