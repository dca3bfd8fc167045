"""Ended predictions that clients may come back to."""

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


async def test_an_id_that_ran_again_is_the_later_one_until_its_own_time_is_over():
    remembered = Remembered(remember_s=1000)
    first, second = ended("a"), ended("a")

    remembered.keep(first)
    remembered.keep(second)
    remembered._expire(first)
    assert remembered.find("a") is second

    remembered._expire(second)
    assert remembered.find("a") is None
