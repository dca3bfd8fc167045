"""`@batch`: what is asked for one by one is computed together."""

import asyncio
import contextlib
import threading
import traceback

import pytest

import cog
from cog.batching import BatchMethod
from cog.scope import Scope

LONG_MS = 3_600_000.0
"""No test waits so long: a batch of this begins because it is full."""


class Doubler:
    """Doubles numbers, and notes the batches that it got."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.threads: set[str] = set()
        self.began = threading.Event()
        self.gate = threading.Event()
        self.gate.set()

    @cog.batch(max_size=3, wait_ms=LONG_MS)
    def together(self, numbers: list[int]) -> list[int]:
        """Double each."""
        return self.double(numbers)

    @cog.batch(max_size=3, wait_ms=0)
    def at_once(self, numbers: list[int]) -> list[int]:
        return self.double(numbers)

    @cog.batch
    def plain(self, numbers: list[int]) -> list[int]:
        return self.double(numbers)

    def double(self, numbers: list[int]) -> list[int]:
        self.batches.append(numbers)
        self.threads.add(threading.current_thread().name)
        self.began.set()
        self.gate.wait()
        return [number * 2 for number in numbers]


async def _settled() -> None:
    """Let every task that can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_calls_that_wait_together_are_one_call_in_another_thread() -> None:
    model = Doubler()

    async def main():
        return await asyncio.gather(*[model.together(number) for number in (1, 2, 3)])

    assert asyncio.run(main()) == [2, 4, 6]
    assert model.batches == [[1, 2, 3]]
    assert threading.current_thread().name not in model.threads


def test_more_than_fit_make_several_batches_in_their_order() -> None:
    model = Doubler()

    async def main():
        return await asyncio.gather(*[model.together(number) for number in range(6)])

    assert asyncio.run(main()) == [0, 2, 4, 6, 8, 10]
    assert model.batches == [[0, 1, 2], [3, 4, 5]]


def test_a_batch_that_is_not_full_begins_after_the_wait() -> None:
    model = Doubler()

    async def main():
        return await asyncio.gather(model.plain(1), model.plain(2))

    assert asyncio.run(main()) == [2, 4]
    assert model.batches == [[1, 2]]


def test_while_a_batch_runs_the_next_one_gathers() -> None:
    model = Doubler()
    model.gate.clear()

    async def main():
        first = asyncio.ensure_future(model.at_once(1))
        await asyncio.to_thread(model.began.wait)
        later = [asyncio.ensure_future(model.at_once(number)) for number in (2, 3)]
        await _settled()
        assert model.batches == [[1]]
        model.gate.set()
        return await asyncio.gather(first, *later)

    assert asyncio.run(main()) == [2, 4, 6]
    assert model.batches == [[1], [2, 3]]


def test_each_instance_has_a_queue_of_its_own_and_each_method_too() -> None:
    one, other = Doubler(), Doubler()

    async def main():
        asked = [one.together(1), other.together(2), one.at_once(3)]
        tasks = [asyncio.ensure_future(it) for it in asked]
        await _settled()
        rest = [one.together(4), one.together(5), other.together(6), other.together(7)]
        return await asyncio.gather(*tasks, *rest)

    assert asyncio.run(main()) == [2, 4, 6, 8, 10, 12, 14]
    assert sorted(one.batches) == [[1, 4, 5], [3]]
    assert other.batches == [[2, 6, 7]]


def test_a_function_can_be_batched_too() -> None:
    @cog.batch(max_size=2, wait_ms=LONG_MS)
    def shout(texts):
        return [text.upper() for text in texts]

    async def main():
        return await asyncio.gather(shout("a"), shout("b"))

    assert asyncio.run(main()) == ["A", "B"]
    assert asyncio.run(main()) == ["A", "B"], "also in the next event loop"


def test_the_method_itself_is_within_reach() -> None:
    model = Doubler()

    assert Doubler.together.__wrapped__(model, [1, 2]) == [2, 4]
    assert Doubler.together.__doc__ == "Double each."
    assert isinstance(Doubler.together, BatchMethod)


def test_an_exception_fails_every_item_of_its_batch_and_no_other() -> None:
    @cog.batch(max_size=2, wait_ms=LONG_MS)
    def picky(numbers):
        if 13 in numbers:
            raise RuntimeError("unlucky")
        return numbers

    async def main():
        asked = [picky(number) for number in (1, 13, 2, 3)]
        return await asyncio.gather(*asked, return_exceptions=True)

    first, second, *rest = asyncio.run(main())
    assert str(first) == str(second) == "unlucky"
    assert rest == [2, 3]


def test_the_traceback_of_a_shared_exception_is_that_of_one_caller() -> None:
    size = 20

    @cog.batch(max_size=size, wait_ms=LONG_MS)
    def failing(numbers):
        raise RuntimeError("boo")

    async def ask(number):
        try:
            await failing(number)
        except RuntimeError as error:
            return len(traceback.extract_tb(error.__traceback__))

    async def main():
        return await asyncio.gather(*[ask(number) for number in range(size)])

    assert len(set(asyncio.run(main()))) == 1


def test_a_result_that_is_an_exception_is_raised_to_its_own_caller_alone() -> None:
    @cog.batch(max_size=3, wait_ms=LONG_MS)
    def invert(numbers):
        return [1 / number if number else ValueError("no inverse") for number in numbers]

    async def main():
        return await asyncio.gather(*map(invert, (1, 0, 2)), return_exceptions=True)

    one, none, half = asyncio.run(main())
    assert (one, half) == (1.0, 0.5)
    assert isinstance(none, ValueError)
    assert str(none) == "no inverse"


def test_who_is_cancelled_leaves_before_the_batch_begins() -> None:
    model = Doubler()

    async def main():
        tasks = [asyncio.ensure_future(model.together(number)) for number in (1, 2)]
        await _settled()
        tasks[0].cancel()
        await _settled()
        rest = await asyncio.gather(tasks[1], model.together(3), model.together(4))
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        return rest

    assert asyncio.run(main()) == [4, 6, 8]
    assert model.batches == [[2, 3, 4]]


def test_a_batch_that_everybody_has_left_is_not_computed() -> None:
    model = Doubler()
    model.gate.clear()

    async def main():
        first = asyncio.ensure_future(model.at_once(1))
        await asyncio.to_thread(model.began.wait)
        left = [asyncio.ensure_future(model.at_once(number)) for number in (2, 3)]
        await _settled()
        for task in left:
            task.cancel()
        model.gate.set()
        assert await first == 2
        return await model.at_once(4)

    assert asyncio.run(main()) == 8
    assert model.batches == [[1], [4]]


def test_who_leaves_while_the_batch_runs_takes_nothing_from_the_others() -> None:
    model = Doubler()
    model.gate.clear()

    async def main():
        tasks = [asyncio.ensure_future(model.together(number)) for number in (1, 2, 3)]
        await asyncio.to_thread(model.began.wait)
        tasks[1].cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await tasks[1]
        model.gate.set()
        return await asyncio.gather(tasks[0], tasks[2])

    assert asyncio.run(main()) == [2, 6]


@pytest.mark.parametrize(
    ("returned", "error", "text"),
    [
        ([1], ValueError, "broken() is batched and returned 1 results for 2 items"),
        (None, TypeError, "broken() is batched and must return a list, got NoneType"),
        ("ab", TypeError, "broken() is batched and must return a list, got str"),
        ({1: 1, 2: 2}, TypeError, "broken() is batched and must return a list, got dict"),
    ],
)
def test_what_is_no_list_of_as_many_results_is_refused(returned, error, text) -> None:
    @cog.batch(max_size=2, wait_ms=LONG_MS)
    def broken(items):
        return returned

    async def main():
        return await asyncio.gather(broken(1), broken(2), return_exceptions=True)

    assert [(type(it), str(it)) for it in asyncio.run(main())] == [(error, text)] * 2


def test_stop_iteration_is_no_result() -> None:
    @cog.batch(wait_ms=0)
    def exhausted(items):
        return [next(iter(())) for _ in items]

    async def main():
        with pytest.raises(RuntimeError, match=r"^exhausted\(\) raised StopIteration$"):
            await exhausted(1)

    asyncio.run(main())


def test_outside_of_async_code_it_says_what_to_do() -> None:
    message = r"^together\(\) is batched: await it in an async run\(\) or predict\(\)$"

    with pytest.raises(RuntimeError, match=message):
        Doubler().together(1)


def test_a_batch_of_one_works_for_its_caller_and_one_of_several_for_nobody() -> None:
    seen: list[dict[str, str]] = []

    @cog.batch(max_size=2, wait_ms=0)
    def look(items):
        seen.append(cog.current_scope().context)
        return items

    async def ask(name):
        with Scope(context={"name": name}, on_metric=None).entered():
            return await look(name)

    async def main():
        await ask("alone")
        await asyncio.gather(ask("a"), ask("b"), ask("c"))

    asyncio.run(main())

    assert seen[0] == {"name": "alone"}
    assert {} in seen[1:]


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"max_size": 0}, ValueError, "batch max_size must be at least 1"),
        ({"max_size": True}, TypeError, "batch max_size must be an integer"),
        ({"max_size": 2.0}, TypeError, "batch max_size must be an integer"),
        ({"wait_ms": -1}, ValueError, "batch wait_ms must be at least 0"),
        ({"wait_ms": float("nan")}, ValueError, "batch wait_ms must be at least 0"),
        ({"wait_ms": "20"}, TypeError, "batch wait_ms must be a number"),
    ],
)
def test_a_wrong_number_is_refused(options, error, text) -> None:
    with pytest.raises(error) as caught:
        cog.batch(**options)

    assert str(caught.value) == text


async def _async(items):
    return items


def _generator(items):
    yield from items


@pytest.mark.parametrize("function", [_async, _generator])
def test_only_a_plain_method_can_be_batched(function) -> None:
    with pytest.raises(TypeError, match=r"^batch requires a plain method"):
        cog.batch(function)


def test_below_another_decorator_is_its_place() -> None:
    with pytest.raises(TypeError, match=r"^batch is for a method or function: put it below"):
        cog.batch(staticmethod(len))
