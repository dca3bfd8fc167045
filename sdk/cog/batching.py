"""`@batch`: calls of one item that wait together are computed together.

The model writes a method from a list to a list; its `async predict` awaits it with one item::

    @cog.batch(max_size=8, wait_ms=20)
    def embed(self, texts: list[str]) -> list[list[float]]:
        return self.model.encode(texts).tolist()

    @cog.concurrent(max=32)
    async def predict(self, text: str) -> list[float]:
        return await self.embed(text)

The queue and its thread are in `batcher`, which is imported with the first call: it needs asyncio.
"""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Generic, TypeVar, overload

Item = TypeVar("Item")
Result = TypeVar("Result")

Batched = Callable[[Item], Coroutine[Any, Any, Result]]
"""What a model calls: one item in, one result to await."""

MAX_SIZE = 8
WAIT_MS = 20.0


class BatchMethod(Generic[Item, Result]):
    """A batched method as it stands in its class, or a batched function in its module."""

    def __init__(
        self, function: Callable[..., Sequence[Result]], *, max_size: int, wait_ms: float
    ) -> None:
        self.__wrapped__ = function
        self.__doc__ = function.__doc__
        self.__name__ = self._attribute = function.__name__
        self.max_size = max_size
        self.wait_ms = wait_ms
        self._alone: Batched[Item, Result] | None = None

    def __set_name__(self, owner: type, name: str) -> None:
        self._attribute = name

    @overload
    def __get__(self, instance: None, owner: type | None = None) -> "BatchMethod[Item, Result]": ...
    @overload
    def __get__(self, instance: Any, owner: type | None = None) -> Batched[Item, Result]: ...
    def __get__(
        self, instance: Any, owner: type | None = None
    ) -> "BatchMethod[Item, Result] | Batched[Item, Result]":
        """Return what an instance calls: its own queue, kept in the instance from now on."""
        if instance is None:
            return self
        batcher = self._batcher(self.__wrapped__.__get__(instance, owner))
        vars(instance)[self._attribute] = batcher
        return batcher

    def __call__(self, item: Item) -> Coroutine[Any, Any, Result]:
        """Ask a batched function, one outside a class, for the result of one item."""
        if self._alone is None:
            self._alone = self._batcher(self.__wrapped__)
        return self._alone(item)

    def _batcher(self, compute: Callable[..., Sequence[Result]]) -> Batched[Item, Result]:
        from cog.batcher import Batcher  # noqa: PLC0415 - asyncio costs 5 MB

        return Batcher(compute, max_size=self.max_size, wait_s=self.wait_ms / 1000)


Decorated = Callable[[Callable[..., Sequence[Result]]], BatchMethod[Any, Result]]


@overload
def batch(fn: Callable[..., Sequence[Result]]) -> BatchMethod[Any, Result]: ...
@overload
def batch(
    fn: None = None, *, max_size: int = MAX_SIZE, wait_ms: float = WAIT_MS
) -> Decorated[Result]: ...
def batch(
    fn: Callable[..., Sequence[Result]] | None = None,
    *,
    max_size: int = MAX_SIZE,
    wait_ms: float = WAIT_MS,
) -> BatchMethod[Any, Result] | Decorated[Result]:
    """Compute the calls that wait together in one call of this method, in a worker thread.

    The method takes a list of items and returns as many results, in their order. Who awaits it
    passes one item and gets one result. A batch begins when `max_size` items wait or the oldest has
    waited for `wait_ms`, and the one before it has ended.

    An exception that the method raises is raised to each of the batch's callers. A result that is
    an exception is raised to its own caller alone. Who is cancelled leaves the batch, if that has
    not begun.

    Args:
        fn: The method, where the decorator stands without parentheses.
        max_size: Most items of a batch.
        wait_ms: Milliseconds for which the first item waits for others; 0 takes who is there.

    Raises:
        TypeError: if the method is async or a generator, or a number is of another type.
        ValueError: if `max_size` is below 1, or `wait_ms` below 0 or not finite.
    """
    if isinstance(max_size, bool) or not isinstance(max_size, int):
        raise TypeError("batch max_size must be an integer")
    if isinstance(wait_ms, bool) or not isinstance(wait_ms, (int, float)):
        raise TypeError("batch wait_ms must be a number")
    if max_size < 1:
        raise ValueError("batch max_size must be at least 1")
    if not 0 <= wait_ms < float("inf"):
        raise ValueError("batch wait_ms must be at least 0")

    def apply(function: Callable[..., Sequence[Result]]) -> BatchMethod[Any, Result]:
        _refuse_other_kinds(function)
        return BatchMethod(function, max_size=max_size, wait_ms=wait_ms)

    return apply if fn is None else apply(fn)


def _refuse_other_kinds(function: Any) -> None:
    import inspect  # noqa: PLC0415 - heavy, and few models are batched

    if isinstance(function, (staticmethod, classmethod)) or not callable(function):
        raise TypeError("batch is for a method or function: put it below other decorators")
    innermost = inspect.unwrap(function)
    kinds = (inspect.iscoroutinefunction, inspect.isasyncgenfunction, inspect.isgeneratorfunction)
    if any(is_kind(innermost) for is_kind in kinds):
        raise TypeError("batch requires a plain method that takes a list and returns a list")
