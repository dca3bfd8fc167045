"""The queue behind `@batch`: items in, one batch at a time on one thread, results out."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from types import TracebackType
from typing import Any, Generic, NamedTuple, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_UNORDERED = (str, bytes, bytearray, dict, set, frozenset)
"""They have a length, but are no results in the order of the items."""


class _Call(NamedTuple):
    """One item that waits for its result."""

    item: Any
    outcome: "asyncio.Future[Any]"
    """Its result, or a `_Failure`; cancelled when its caller is."""
    since_s: float
    """When it came, by the loop's clock."""
    context: Context


class _Failure(NamedTuple):
    """What is raised to a caller.

    The exception of a batch is one object for all callers: each of them begins with the traceback
    that it came with, which would grow by all of theirs otherwise.
    """

    error: BaseException
    traceback: TracebackType | None


class Batcher(Generic[Item, Result]):
    """Gathers the calls of one batched method of one instance."""

    def __init__(
        self, compute: Callable[[list[Item]], Sequence[Result]], *, max_size: int, wait_s: float
    ) -> None:
        self.__wrapped__ = compute
        self.__name__ = name = str(getattr(compute, "__name__", "batch"))
        self._max_size = max_size
        self._wait_s = wait_s
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=f"cog-batch-{name}")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: deque[_Call] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._is_running = False

    def __call__(self, item: Item) -> Coroutine[Any, Any, Result]:
        """Return what to await for the result of one item.

        Raises:
            RuntimeError: outside of async code: nothing could await it.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            message = f"{self.__name__}() is batched: await it in an async run() or predict()"
            raise RuntimeError(message) from None
        return self._result(item, loop)

    async def _result(self, item: Item, loop: asyncio.AbstractEventLoop) -> Result:
        if loop is not self._loop:
            self._begin_anew(loop)
        call = _Call(item, loop.create_future(), loop.time(), copy_context())
        self._waiting.append(call)
        self._consider()
        outcome = await call.outcome
        if isinstance(outcome, _Failure):
            raise outcome.error.with_traceback(outcome.traceback)
        result: Result = outcome
        return result

    def _begin_anew(self, loop: asyncio.AbstractEventLoop) -> None:
        """Belong to another loop; who waited in the one before went with it."""
        self._loop = loop
        self._waiting.clear()
        self._timer = None
        self._is_running = False

    def _consider(self) -> None:
        """Begin a batch if it is time, else see to it that somebody looks again."""
        assert self._loop is not None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting and self._waiting[0].outcome.done():  # it was cancelled
            self._waiting.popleft()
        if self._is_running or not self._waiting:
            return
        if self._is_full():
            self._begin()
        else:  # also if it is due by now: who comes in the same moment comes along
            due_s = self._waiting[0].since_s + self._wait_s
            self._timer = self._loop.call_at(due_s, self._begin)

    def _is_full(self) -> bool:
        if len(self._waiting) < self._max_size:
            return False
        return sum(not call.outcome.done() for call in self._waiting) >= self._max_size

    def _begin(self) -> None:
        assert self._loop is not None
        self._timer = None
        calls: list[_Call] = []
        while self._waiting and len(calls) < self._max_size:
            call = self._waiting.popleft()
            if not call.outcome.done():
                calls.append(call)
        if not calls:
            return
        self._is_running = True
        # What a batch of one prints and records is its caller's; that of several is nobody's.
        context = calls[0].context if len(calls) == 1 else Context()
        items = [call.item for call in calls]
        loop = self._loop

        def compute() -> list[Result]:
            return context.run(self._results, items)

        def finish(computed: "asyncio.Future[list[Result]]") -> None:
            self._finish(loop, calls, computed)

        loop.run_in_executor(self._executor, compute).add_done_callback(finish)

    def _results(self, items: list[Item]) -> list[Result]:
        """Compute a batch, on the thread."""
        try:
            results = self.__wrapped__(items)
        except StopIteration as error:  # no future can hold one
            raise RuntimeError(f"{self.__name__}() raised StopIteration") from error
        if isinstance(results, _UNORDERED) or not hasattr(results, "__len__"):
            kind = type(results).__name__
            raise TypeError(f"{self.__name__}() is batched and must return a list, got {kind}")
        if len(results) != len(items):
            count = f"{len(results)} results for {len(items)} items"
            raise ValueError(f"{self.__name__}() is batched and returned {count}")
        return list(results)

    def _finish(
        self,
        loop: asyncio.AbstractEventLoop,
        calls: list[_Call],
        computed: "asyncio.Future[list[Result]]",
    ) -> None:
        error = computed.exception()
        results: Sequence[Any] = computed.result() if error is None else [error] * len(calls)
        for call, result in zip(calls, results, strict=True):
            if call.outcome.done():
                continue
            if isinstance(result, BaseException):
                call.outcome.set_result(_Failure(result, result.__traceback__))
            else:
                call.outcome.set_result(result)
        if loop is self._loop:
            self._is_running = False
            self._consider()
