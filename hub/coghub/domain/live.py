"""What a running hub knows of its instances beyond their rows."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LiveInstance:
    """An instance that occupies hardware now."""

    id: str
    slots: int
    """How many predictions it runs at once."""
    running: int | None
    """How many it runs now; None where another hub has it."""
    memory_bytes: int | None
    """Of all its processes; None where it cannot be told."""
    deployment_id: int | None = None
    """Of the deployment that has it for itself."""


@dataclass(frozen=True, slots=True)
class LiveNow:
    """How the scheduler stands."""

    ticked_at: float
    """When it last looked at everything, on the monotonic clock."""
    waiting: int
    oldest_s: float
    """How long the first of those that wait has waited; 0 where none does."""
    running: int
    instances: Mapping[tuple[str, str], int]
    """Hardware and stage → how many there are."""


class Live:
    """Asks the scheduler, where one runs in this process; else there is nothing to tell."""

    def __init__(self) -> None:
        self.instances: Callable[[], Awaitable[Sequence[LiveInstance]]] = _none
        self.now: Callable[[], LiveNow | None] = lambda: None
        """None where no scheduler runs."""


async def _none() -> Sequence[LiveInstance]:
    return ()
