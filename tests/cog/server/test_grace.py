"""A cancel that goes unheard is rung again, until what it names has ended."""

import asyncio

from cog.server.grace import Grace


async def test_it_rings_again_until_it_ends():
    rings = asyncio.Semaphore(0)
    given_up: list[bool] = []
    grace = Grace(60, ring=rings.release, give_up=lambda: given_up.append(True))

    for _ in range(3):
        await rings.acquire()
    grace.end()
    await asyncio.sleep(1)

    assert rings.locked()
    assert given_up == []


async def test_it_gives_up_and_rings_no_more():
    rings: list[bool] = []
    given_up = asyncio.Event()
    Grace(0.01, ring=lambda: rings.append(True), give_up=given_up.set)

    await given_up.wait()
    await asyncio.sleep(0.3)

    assert rings == [True]


async def test_an_async_model_is_not_rung_at():
    given_up = asyncio.Event()
    Grace(0, ring=None, give_up=given_up.set)

    await given_up.wait()
