"""A hub that stops lets go of who waits for a prediction; the prediction itself goes on."""

import asyncio

from coghub.domain.prediction import Status

LIMIT_S = 20


async def test_who_waits_is_answered_with_what_there_is(hub, alice, order):
    made = await hub.predictions.create(alice, order)
    waiting = asyncio.create_task(hub.predictions.wait(made, 3600))
    await asyncio.sleep(0)

    hub.signals.stop()

    async with asyncio.timeout(LIMIT_S):
        assert (await waiting).status is Status.STARTING
        assert (await hub.predictions.wait(made, 3600)).status is Status.STARTING


async def test_who_follows_is_let_go(hub, alice, order):
    made = await hub.predictions.create(alice, order)

    async def events():
        return [event async for event in hub.predictions.follow(made)]

    following = asyncio.create_task(events())
    await asyncio.sleep(0)

    hub.signals.stop()

    async with asyncio.timeout(LIMIT_S):
        assert await following == []
