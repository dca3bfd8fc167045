"""Predictions that find a free slot: they are given to it as they are made."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from coghub.database.schema import predictions
from coghub.domain.prediction import Status


@pytest.fixture
async def warm(started, alice, hello):
    """A hub with one instance that is ready, for one prediction at a time."""
    await started.run(alice, hello(text="first"))
    return started


async def row_of(hub, made):
    columns = predictions.c
    query = select(columns.attempt, columns.hub_id, columns.hardware).where(columns.id == made.id)
    return await hub.database.read(lambda c: tuple(c.execute(query).one()))


async def test_who_finds_a_free_slot_is_given_to_it_in_the_change_that_makes_it(warm, alice, hello):
    made = await warm.make(alice, hello(do="wait"))

    assert await row_of(warm.hub, made) == (1, warm.hub.peers.me, "cpu")
    [member] = warm.fleet
    assert [*member.running] == [made.id]
    assert len(warm.background.scheduler.queue) == 0


async def test_who_finds_none_waits(warm, alice, hello):
    await warm.make(alice, hello(do="wait"))

    second = await warm.make(alice, hello(text="second"))

    assert await row_of(warm.hub, second) == (0, None, None)
    warm.executor.instances[0].may_go_on.set()
    assert (await warm.end_of(second)).output == "second"


async def test_the_slot_of_one_that_could_not_be_made_is_free_again(warm, alice, hello):
    wanted = hello(text="x")
    gone = replace(wanted, model=replace(wanted.model, id=wanted.model.id + 1))
    with pytest.raises(IntegrityError):
        await warm.make(alice, gone)

    assert (await warm.run(alice, hello(text="made"))).output == "made"
    assert len(warm.executor.instances) == 1


async def test_one_is_run_though_its_client_goes_away_while_it_is_made(warm, alice, hello):
    asking = asyncio.create_task(warm.make(alice, hello(text="alone")))
    [member] = warm.fleet
    while not member.running:  # noqa: ASYNC110 - then it waits for the change
        await asyncio.sleep(0)
    [made_id] = member.running
    asking.cancel()

    await warm.until(lambda: not member.running)
    assert asking.cancelled()
    assert (await warm.hub.predictions.find(made_id)).status is Status.SUCCEEDED


async def test_a_cancel_right_after_it_was_made_ends_it(warm, alice, hello):
    made = await warm.make(alice, hello(do="wait"))

    await warm.hub.predictions.cancel(alice, made.id)

    assert (await warm.end_of(made)).status is Status.CANCELED
    assert (await warm.run(alice, hello(text="next"))).output == "next"
