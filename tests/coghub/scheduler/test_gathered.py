"""What an instance tells, gathered into batches: each is a change of the database."""

import asyncio

import pytest

from coghub.domain.clock import utc_now
from coghub.domain.instance_event import Completed, Log, Output, Started
from coghub.domain.prediction import Status
from coghub.scheduler.gathered import Gathered

START, END = Started("p"), Completed("succeeded")
LIMIT_S = 20


@pytest.fixture
def gathered():
    return Gathered(utc_now)


async def batches_of(gathered):
    found = []
    async with asyncio.timeout(LIMIT_S):
        while (batch := await gathered.next_batch()) is not None:
            found.append(batch)
            if batch.end:
                break
    return found


async def test_what_is_over_at_once_is_one_batch(gathered):
    telling = asyncio.create_task(batches_of(gathered))
    for event in (START, Output("x", None), END):
        gathered.take(event)
        await asyncio.sleep(0)  # each comes by itself

    [batch] = await telling

    assert batch.started_at is not None
    assert (len(batch.told), batch.end.status) == (1, Status.SUCCEEDED)


@pytest.mark.parametrize("event", [START, Log("x"), Output("x", 0)])
async def test_what_is_not_over_is_told_after_a_moment(gathered, event):
    gathered.take(event)

    async with asyncio.timeout(LIMIT_S):
        batch = await gathered.next_batch()

    assert batch.end is None
    gathered.take(END)
    assert [it.end.status for it in await batches_of(gathered)] == [Status.SUCCEEDED]


async def test_who_wants_to_hear_of_the_start_hears_of_it_by_itself(gathered):
    gathered.tells_start = True
    telling = asyncio.create_task(batches_of(gathered))
    await asyncio.sleep(0)
    gathered.take(START)
    await asyncio.sleep(0)
    gathered.take(END)

    start, end = await telling

    assert (start.started_at is None, start.end) == (False, None)
    assert end.end is not None


@pytest.mark.parametrize("stop", [Gathered.close, Gathered.drop])
async def test_who_waits_hears_that_nothing_follows(gathered, stop):
    telling = asyncio.create_task(batches_of(gathered))
    await asyncio.sleep(0)

    stop(gathered)

    assert await telling == []


async def test_what_was_told_before_the_stream_broke_is_kept(gathered):
    gathered.take(START)
    gathered.take(Log("half a line"))

    gathered.close()

    [batch] = await batches_of(gathered)
    assert [content for _, content in batch.told] == ["half a line"]


async def test_a_full_batch_waits_for_nothing_more(gathered):
    gathered.take(Log("x" * 3_000_000))
    reading = asyncio.create_task(gathered.room())

    batch = await gathered.next_batch()

    await reading
    assert batch.end is None
