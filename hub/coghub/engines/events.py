"""What a running model tells about one prediction, one event after the other."""

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


Event = Started | Output | Metric | Completed


def event_of(name: str, data: dict[str, Any]) -> Event | None:
    """Return an event of a server's stream; None for those that the command has no use for.

    Logs are among these: the model's server prints them too, and that is where they are read.
    """
    match name:
        case "start":
            return Started(str(data.get("id", "")))
        case "output":
            return Output(data.get("chunk"), data.get("index"))
        case "metric":
            return Metric(str(data.get("name")), data.get("value"), str(data.get("mode")))
        case "completed":
            return completed_of(data)
    return None


def completed_of(data: dict[str, Any]) -> Completed:
    """Return the end of a prediction, from an event or from a whole answer."""
    return Completed(
        status=str(data.get("status")),
        error=data.get("error"),
        metrics=data.get("metrics") or {},
        is_list=bool(data.get("output_is_list")),
    )
