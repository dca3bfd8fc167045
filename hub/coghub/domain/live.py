"""What a running hub knows of its instances beyond their rows."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LiveInstance:
    """An instance that occupies hardware now."""

    id: str
    slots: int
    """How many predictions it runs at once."""
    running: int
    memory_bytes: int | None
    """Of all its processes; None where it cannot be told."""


class Live:
    """Asks the scheduler, where one runs in this process; else there is nothing to tell."""

    def __init__(self) -> None:
        self.instances: Callable[[], Awaitable[Sequence[LiveInstance]]] = _none


async def _none() -> Sequence[LiveInstance]:
    return ()
