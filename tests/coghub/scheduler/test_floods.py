"""Instances that say much, or break off."""

import asyncio

from tests.coghub.scheduler.conftest import LIMIT_S

from coghub.database import predictions as rows
from coghub.domain.instance_event import Completed, Log, Started
from coghub.domain.prediction import Status
from coghub.scheduler import gathered, run
from coghub.scheduler.fleet import Member
from coghub.scheduler.gathered import MAX_GATHERED
from coghub.scheduler.run import Run, RunParts
from coghub.trainings.outcome import Outcomes


class Talkative:
    """Speaks as long as somebody listens."""

    def __init__(self):
        self.said = 0
        self.speaks = asyncio.Event()

    async def predict(self, prediction_id, body, *, after):
        yield 1, Started("p")
        while self.said < 10_000:
            self.said += 1
            self.speaks.set()
            await asyncio.sleep(0)
            yield 1 + self.said, Log("x" * 1000)
        yield 2 + self.said, Completed("succeeded")


async def test_an_instance_is_not_read_faster_than_its_logs_can_be_written(
    hub, alice, hello, monkeypatch
):
    made = await hub.predictions.create(alice, hello())
    row = await hub.database.read(lambda c: rows.by_id(c, made.id))
    entry = await hub.catalog.get(made.version.key)
    member = Member("i", entry, "cpu", None, 1, hub.now(), client=Talkative())
    outcomes = Outcomes(hub.database, hub.storage, hub.prediction_files, hub.now)
    parts = RunParts(
        hub.database,
        hub.box,
        hub.signals,
        hub.now,
        hub.prediction_files,
        "",
        lambda: 1,
        list,
        print,
        print,
        outcomes,
    )
    write, is_open = hub.database.write, asyncio.Event()

    async def slow(change):
        await is_open.wait()
        return await write(change)

    running = asyncio.create_task(Run(parts, member, rows.waiting_of(row)).run())
    async with asyncio.timeout(LIMIT_S):
        await member.client.speaks.wait()
    monkeypatch.setattr(hub.database, "write", slow)
    said = 0
    while said < member.client.said:
        said = member.client.said
        for _ in range(100):
            await asyncio.sleep(0)
    is_open.set()
    async with asyncio.timeout(LIMIT_S):
        await running

    assert said * 1000 < 2 * MAX_GATHERED
    ended = await hub.predictions.find(made.id)
    assert (ended.status, len(ended.logs)) == (Status.SUCCEEDED, 10_000_000)


async def test_output_that_no_row_can_hold_fails(started, alice, hello, monkeypatch):
    monkeypatch.setattr(gathered, "MAX_OUTPUT_BYTES", 50)

    ended = await started.run(alice, hello(do="items", count=50))

    assert ended.status is Status.FAILED
    assert "output is larger than" in ended.error
    assert (await started.run(alice, hello(text="x"))).output == "x"


async def test_the_last_words_of_an_instance_that_dies_are_kept(started, alice, hello):
    ended = await started.run(alice, hello(do="die"))

    assert ended.logs.count("last words\n") == 2


async def test_an_instance_that_lives_but_breaks_off_is_looked_after(
    started, alice, hello, monkeypatch
):
    monkeypatch.setattr(run, "DEATH_S", 0.01)
    made = await started.make(alice, hello(do="break"))
    [instance] = await _first(started)
    await started.until(lambda: instance.ran)
    instance.health = {"status": "STARTING"}
    [member] = started.fleet
    await started.until(lambda: member.is_in_doubt)
    await started.hub.predictions.cancel(alice, made.id)

    assert member.free_slots == 0


async def _first(started):
    await started.until(lambda: started.executor.instances)
    return started.executor.instances
