"""Everything at once: whatever happens, each prediction ends, once, and every place is free."""

import asyncio
import random
from dataclasses import replace

import pytest
from sqlalchemy import func, select
from tests.coghub.scheduler.conftest import add_version, running
from tests.fakes.disk import Disk

from coghub.database.schema import models
from coghub.scheduler import patience, run

PREDICTIONS = 60
WORK = ("echo", "items", "fail", "die", "die late", "wait", "wait", "break")


@pytest.fixture
def disk(hub, monkeypatch):
    monkeypatch.setattr(patience, "PAUSE_S", 0.01)
    monkeypatch.setattr(run, "DEATH_S", 0.01)
    monkeypatch.setattr(run, "CANCEL_AGAIN_S", 0.05)
    return Disk(hub, monkeypatch)


class Chaos:
    """Does harm, at random times that a seed says."""

    def __init__(self, it, disk, account, dice):
        self.it, self.disk, self.account = it, disk, account
        self.dice = dice
        self.made = []

    async def rage(self):
        while True:
            await asyncio.sleep(self.dice.random() / 50)
            harm = self.dice.choice([self._kill, self._let_go, self._cancel, self._fill])
            await harm()

    async def _kill(self):
        if alive := self.it.executor.alive:
            await self.dice.choice(alive).die()

    async def _let_go(self):
        for instance in self.it.executor.alive:
            instance.may_go_on.set()

    async def _cancel(self):
        if self.made:
            prediction = self.dice.choice(self.made)
            await self.it.hub.predictions.cancel(self.account, prediction.id)

    async def _fill(self):
        self.disk.is_full = True
        await asyncio.sleep(0.02)
        self.disk.is_full = False


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("places", [1, 3])
async def test_every_prediction_ends_once(disk, executor, alice, hello, seed, places):
    hub = replace(disk.hub, own_hardware=(replace(disk.hub.hardware[0], capacity=places),))
    orders = [hello, await add_version(hub, alice, "wide", slots=3)]
    async with running(hub, executor) as it:
        chaos = Chaos(it, disk, alice, random.Random(seed))
        raging = asyncio.create_task(chaos.rage())
        for number in range(PREDICTIONS):
            order = chaos.dice.choice(orders)
            given = {"do": chaos.dice.choice(WORK), "text": str(number), "count": 3}
            made = await patience.patiently(
                lambda order=order, given=given: it.make(alice, order(**given)), reason="test"
            )
            chaos.made.append(made)
        ends = await asyncio.gather(*(it.end_of(each) for each in chaos.made))
        raging.cancel()
        await asyncio.gather(raging, return_exceptions=True)
        disk.is_full = False
        await it.until(lambda: not any(member.running for member in it.fleet))
        after = [await hub.predictions.find(each.id) for each in chaos.made]
        counted = await hub.database.read(
            lambda c: c.execute(select(func.sum(models.c.run_count))).scalar()
        )

    assert all(each.status.is_final for each in ends)
    assert after == ends
    assert counted == PREDICTIONS
    assert len(it.background.scheduler.queue) == 0
    assert executor.alive == []
