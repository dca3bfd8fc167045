"""What a running model tells about one prediction, one event after the other."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Started:
    """The prediction runs."""

    id: str


@dataclass(frozen=True, slots=True)
class Output:
    """A result, or one item of it."""

    chunk: Any
    index: int | None
    """The item's place in the output list; None when the chunk is the whole output."""


@dataclass(frozen=True, slots=True)
class Log:
    """Text that the model printed; any piece of it."""

    text: str


@dataclass(frozen=True, slots=True)
class Metric:
    """A number that the model reports while it works."""

    name: str
    value: Any
    mode: str


@dataclass(frozen=True, slots=True)
class Completed:
    """The end: nothing follows."""

    status: str
    """`succeeded`, `failed` or `canceled`."""
    error: str | None = None
    metrics: dict[str, Any] = field(default_factory=dict)
    is_list: bool = False
    """The output is a list even if no item came."""


Event = Started | Log | Output | Metric | Completed


def event_of(name: str, told: dict[str, Any]) -> Event | None:
    """Return an event of a server's stream; None for one that is not known here."""
    if name == "start" and told.get("status") == "starting":
        return None  # it waits in the server's own queue: nothing has begun
    make = _MAKERS.get(name)
    return make(told) if make else None


def completed_of(told: dict[str, Any]) -> Completed:
    """Return the end of a prediction, from an event or from a whole answer."""
    error = told.get("error")
    return Completed(
        status=str(told.get("status")),
        error=None if error is None else str(error),
        metrics=told.get("metrics") or {},
        is_list=bool(told.get("output_is_list")),
    )


_MAKERS: dict[str, Callable[[dict[str, Any]], Event]] = {
    "start": lambda told: Started(str(told.get("id", ""))),
    "log": lambda told: Log(str(told.get("data", ""))),
    "output": lambda told: Output(told.get("chunk"), told.get("index")),
    "metric": lambda told: Metric(str(told.get("name")), told.get("value"), str(told.get("mode"))),
    "completed": completed_of,
}
