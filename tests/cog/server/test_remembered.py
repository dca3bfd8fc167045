"""Ended predictions that clients may come back to."""

import asyncio
import weakref

from msgspec import Raw

from cog.server.prediction import Prediction
from cog.server.remembered import Remembered


def ended(prediction_id: str, size_bytes: int = 0) -> Prediction:
    prediction = Prediction(prediction_id, {}, {})
    prediction.add_output(Raw(b'"' + b"x" * size_bytes + b'"'), is_item=False)
    return prediction


async def test_the_oldest_go_when_there_is_too_much():
    remembered = Remembered(max_bytes=10_000)

    for name in ("a", "b", "c"):
        remembered.keep(ended(name, 4_000))

    assert remembered.find("a") is None
    assert remembered.find("b") is not None
    assert remembered.find("c") is not None


async def test_the_last_one_stays_however_large_it_is():
    remembered = Remembered(max_bytes=10)
    remembered.keep(ended("a"))
    large = ended("b", 1_000)

    remembered.keep(large)

    assert remembered.find("a") is None
    assert remembered.find("b") is large


async def test_what_is_forgotten_is_let_go_of():
    """Its own time is not over yet."""
    remembered = Remembered(remember_s=1000, max_bytes=10)
    first = ended("a", 1_000)
    remembered.keep(first)
    gone = weakref.ref(first)
    del first

    remembered.keep(ended("b"))

    assert gone() is None


async def test_an_id_that_ran_again_is_the_later_one_until_its_own_time_is_over():
    remembered = Remembered(remember_s=0)
    second = ended("a")

    remembered.keep(ended("a"))
    remembered.keep(second)
    assert remembered.find("a") is second

    is_over = asyncio.Event()
    asyncio.get_running_loop().call_later(0, is_over.set)
    await is_over.wait()
    assert remembered.find("a") is None
