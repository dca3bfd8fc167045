"""The worker's one event loop: what an async `setup()` begins there lives on in predictions."""

import asyncio
from collections.abc import AsyncIterable, Awaitable, Iterator
from contextlib import suppress
from functools import cache
from typing import Any

_END = object()


@cache
def main_loop() -> asyncio.AbstractEventLoop:
    """Return the loop, which is also what `asyncio.get_event_loop()` finds on the main thread."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop


def wait(awaitable: Awaitable[Any]) -> Any:
    """Run an awaitable to its end; if a cancel interrupts it, nothing of it goes on later."""

    async def awaited() -> Any:
        return await awaitable

    loop = main_loop()
    task = loop.create_task(awaited())
    try:
        return loop.run_until_complete(task)
    finally:
        if not task.done():
            task.cancel()
            with suppress(asyncio.CancelledError):
                loop.run_until_complete(task)


def items(stream: AsyncIterable[Any]) -> Iterator[Any]:
    """Yield the items of an async iterator, and close it at the end."""
    iterator = aiter(stream)
    try:
        while (item := wait(anext(iterator, _END))) is not _END:
            yield item
    finally:
        close = getattr(iterator, "aclose", None)
        if close is not None:
            wait(close())
