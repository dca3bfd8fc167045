"""`@streaming` and `@concurrent`."""

import functools
from collections.abc import AsyncIterator

import pytest

from cog import concurrent, streaming
from cog.decorators import CONCURRENT_MARK, STREAMING_MARK


async def answer() -> str:
    return "x"


async def pieces() -> AsyncIterator[str]:
    yield "x"


@pytest.mark.parametrize("decorate", [streaming, streaming()])
def test_streaming_marks_with_and_without_parentheses(decorate) -> None:
    def predict() -> str:
        return "x"

    assert decorate(predict) is predict
    assert getattr(predict, STREAMING_MARK) is True
    assert predict() == "x"


@pytest.mark.parametrize("decorate", [concurrent, concurrent()])
def test_concurrent_alone_means_one(decorate) -> None:
    def predict() -> str:
        return "x"

    assert getattr(decorate(predict), CONCURRENT_MARK) == 1


@pytest.mark.parametrize("function", [answer, pieces])
def test_async_methods_may_be_concurrent(function) -> None:
    @functools.wraps(function)
    def predict():
        return function()

    assert getattr(concurrent(max=4)(predict), CONCURRENT_MARK) == 4


@pytest.mark.parametrize("limit", [True, "2", 2.0, None])
def test_a_limit_that_is_no_integer_is_refused(limit) -> None:
    with pytest.raises(TypeError, match=r"^concurrent max must be an integer$"):
        concurrent(max=limit)


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match=r"^concurrent max must be at least 1$"):
        concurrent(max=limit)


def test_a_synchronous_function_cannot_be_concurrent() -> None:
    with pytest.raises(
        TypeError, match=r"^concurrent max greater than 1 requires an async function$"
    ):

        @concurrent(max=2)
        def predict() -> None: ...
