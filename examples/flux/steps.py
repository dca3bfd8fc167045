"""Work on the model that a cancel ends between two steps, never within one.

A cancel is an exception that comes wherever the code is. Within a step it could leave a layer on
the wrong device, or a LoRA half loaded; so the model works in a thread, which is asked to stop.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from threading import Event
from typing import TypeVar

T = TypeVar("T")


class Stopped(Exception):
    """The prediction has been cancelled."""


def interruptible(work: Callable[[Callable[[], None]], T]) -> T:
    """Return what `work` does; it is given a function to call between its steps.

    Raises:
        CancelationException: if it came, once the work has stopped.
    """
    is_over = Event()

    def between_steps() -> None:
        if is_over.is_set():
            raise Stopped

    with ThreadPoolExecutor(1, thread_name_prefix="model") as pool:
        try:
            return pool.submit(copy_context().run, work, between_steps).result()
        finally:
            is_over.set()
