"""Instances whose end goes wrong: their processes end, their rows do, and others get the place."""

import asyncio
from itertools import count

import pytest
from tests.coghub.scheduler.conftest import LIMIT_S, add_version, running
from tests.fakes.executor import BROKEN, FakeExecutor

from coghub.database import instances as rows
from coghub.domain.instance import Stage
from coghub.domain.prediction import Status
from coghub.scheduler import lives


class Stubborn(FakeExecutor):
    """Its instances cannot be stopped at first, as while a container engine is away."""

    def __init__(self, refusals):
        super().__init__()
        self.refusals = refusals
        self.most_alive = 0

    async def start(self, spec, tell):
        instance = await super().start(spec, tell)
        self.most_alive = max(self.most_alive, len(self.alive))
        stop = instance.stop

        async def refuse(*, grace_s):
            if self.refusals:
                self.refusals -= 1
                raise OSError("The engine does not answer")
            await stop(grace_s=grace_s)

        instance.stop = refuse
        return instance


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(lives, "AGAIN_S", 0.01)


@pytest.fixture
def executor():
    return Stubborn(refusals=2)


async def record_of(hub):
    [record] = await hub.database.read(lambda c: rows.every(c, limit=5))
    return record


async def test_the_row_of_an_instance_ends_though_its_words_cannot_be_kept(one_place, alice, hello):
    executor = FakeExecutor()
    async with running(one_place, executor) as it:
        await it.run(alice, hello(text="x"))
        [member] = it.fleet
        member.transcript.append("\ud800")  # is no text that a database takes
        await executor.instances[0].die()

        async with asyncio.timeout(LIMIT_S):
            while (await record_of(one_place)).stopped_at is None:  # noqa: ASYNC110 - a row has no event
                await asyncio.sleep(0.005)

    record = await record_of(one_place)
    assert record.stage is Stage.FAILED
    assert record.error.startswith("Internal error: ")


async def test_an_instance_that_cannot_be_stopped_at_once_leaves_its_place_later(
    started, alice, hello
):
    other = await add_version(started.hub, alice, "other")
    await started.run(alice, hello(text="x"))

    ended = await started.run(alice, other(text="y"))

    assert (ended.status, ended.output) == (Status.SUCCEEDED, "y")
    assert started.executor.refusals == 0
    assert len(started.executor.alive) == 1


async def test_an_instance_keeps_its_place_until_it_has_ended(started, alice, hello):
    started.executor.health = BROKEN

    ended = await started.run(alice, hello())
    await started.until(lambda: not list(started.fleet))

    assert ended.status is Status.FAILED
    assert started.executor.alive == []


async def test_an_instance_that_is_lost_alive_ends_before_its_place_is_free(
    started, alice, hello, monkeypatch
):
    """Its end cannot be waited for once it is ready; the next one's can."""
    start = started.executor.start

    async def start_lost(spec, tell):
        instance = await start(spec, tell)
        if instance is started.executor.instances[0]:
            ended, asked = instance.ended, count()

            async def lost():
                if next(asked):  # who waits for its setup asks first
                    raise OSError("The engine does not answer")
                return await ended()

            instance.ended = lost
        return instance

    monkeypatch.setattr(started.executor, "start", start_lost)

    made = await started.make(alice, hello(do="wait"))
    await started.until(lambda: len(started.executor.instances) == 2)
    started.executor.instances[1].may_go_on.set()
    ended = await started.end_of(made)

    assert (ended.status, ended.output) == (Status.SUCCEEDED, "waited")
    assert (started.executor.refusals, started.executor.most_alive) == (0, 1)
    records = await started.hub.database.read(lambda c: rows.every(c, limit=5))
    assert sorted(it.stopped_at is None for it in records) == [False, True]
