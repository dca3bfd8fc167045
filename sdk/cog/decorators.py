"""Marks on a model's method, read when its signature is inspected; they change no call."""

from collections.abc import Callable
from typing import Any, TypeVar, overload

Function = TypeVar("Function", bound=Callable[..., Any])

STREAMING_MARK = "__cog_streaming__"
CONCURRENT_MARK = "__cog_concurrent_max__"


@overload
def streaming(fn: Function) -> Function: ...
@overload
def streaming(fn: None = None) -> Callable[[Function], Function]: ...
def streaming(fn: Function | None = None) -> Function | Callable[[Function], Function]:
    """Let clients read this method's output as server-sent events while it is made."""
    return _marked(fn, STREAMING_MARK, value=True)


@overload
def concurrent(fn: Function, *, max: int = 1) -> Function: ...
@overload
def concurrent(fn: None = None, *, max: int = 1) -> Callable[[Function], Function]: ...
def concurrent(
    fn: Function | None = None,
    *,
    max: int = 1,  # noqa: A002 - Cog's name
) -> Function | Callable[[Function], Function]:
    """Let up to `max` predictions run at once; above 1 the method must be `async`.

    Raises:
        TypeError: if `max` is no integer, or above 1 on a synchronous method.
        ValueError: if `max` is below 1.
    """
    if isinstance(max, bool) or not isinstance(max, int):
        raise TypeError("concurrent max must be an integer")
    if max < 1:
        raise ValueError("concurrent max must be at least 1")
    return _marked(fn, CONCURRENT_MARK, value=max)


def _marked(
    fn: Function | None, mark: str, *, value: int
) -> Function | Callable[[Function], Function]:
    def apply(function: Function) -> Function:
        if mark == CONCURRENT_MARK and value > 1 and not _is_async(function):
            raise TypeError("concurrent max greater than 1 requires an async function")
        setattr(function, mark, value)
        return function

    return apply if fn is None else apply(fn)


def _is_async(function: Callable[..., Any]) -> bool:
    """Tell whether calls of the function wait in an event loop; looks through wrappers."""
    import inspect  # noqa: PLC0415 - heavy, and few models are decorated

    innermost = inspect.unwrap(function)
    return inspect.iscoroutinefunction(innermost) or inspect.isasyncgenfunction(innermost)
