"""Runs long work in a thread that nobody has to wait for: a hub that stops leaves it behind."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


async def in_own_thread(work: Callable[[], T], *, unwanted: Callable[[T], None]) -> T:
    """Return what the work returns; the end of the process does not wait for it.

    Args:
        work: what is run; threads that are shared would have to be waited for.
        unwanted: takes what it returned, in its thread, if nobody waits for it any more.
    """
    outcome = Future[T]()
    thread = threading.Thread(target=_do, args=(work, outcome), name="instance start", daemon=True)
    thread.start()
    try:
        return await asyncio.shield(asyncio.wrap_future(outcome))
    except asyncio.CancelledError:
        outcome.add_done_callback(lambda _: _let_go(outcome, unwanted))
        raise


def _do(work: Callable[[], T], outcome: "Future[T]") -> None:
    try:
        outcome.set_result(work())
    except BaseException as error:  # noqa: BLE001 - it is handed to who waits
        outcome.set_exception(error)


def _let_go(outcome: "Future[T]", unwanted: Callable[[T], None]) -> None:
    if outcome.exception() is None:
        unwanted(outcome.result())
