"""The worker's one event loop: what an async `setup()` begins there lives on in predictions."""

import asyncio
from collections.abc import Awaitable
from functools import cache
from typing import Any


@cache
def main_loop() -> asyncio.AbstractEventLoop:
    """Return the loop, which is also what `asyncio.get_event_loop()` finds on the main thread."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop


def wait(awaitable: Awaitable[Any]) -> Any:
    """Run an awaitable to its end."""

    async def awaited() -> Any:
        return await awaitable

    return main_loop().run_until_complete(awaited())
