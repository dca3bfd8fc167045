"""Work that nobody has to wait for."""

import asyncio
import subprocess
import sys
import threading

import pytest

from coghub.executors.own_thread import in_own_thread

STOPS = """
import asyncio, threading
from coghub.executors.own_thread import in_own_thread

async def main():
    begun, loop = asyncio.Event(), asyncio.get_running_loop()
    def work():
        loop.call_soon_threadsafe(begun.set)
        threading.Event().wait()
    task = asyncio.create_task(in_own_thread(work, unwanted=print))
    await begun.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

asyncio.run(main())
"""


async def test_its_result_and_its_errors_are_handed_over():
    assert await in_own_thread(lambda: 42, unwanted=print) == 42
    with pytest.raises(ZeroDivisionError):
        await in_own_thread(lambda: 1 // 0, unwanted=print)


async def test_what_nobody_waits_for_any_more_is_let_go():
    may_end, let_go = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    begun = asyncio.Event()

    def work():
        loop.call_soon_threadsafe(begun.set)
        return may_end.wait()

    def unwanted(value):
        loop.call_soon_threadsafe(let_go.set)

    task = asyncio.create_task(in_own_thread(work, unwanted=unwanted))
    await begun.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    may_end.set()

    async with asyncio.timeout(20):
        await let_go.wait()


@pytest.mark.slow
def test_a_process_that_stops_does_not_wait_for_it():
    ended = subprocess.run(
        [sys.executable, "-c", STOPS], check=True, timeout=60, capture_output=True
    )

    assert ended.stderr == b""
