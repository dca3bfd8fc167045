"""What an instance tells of one prediction, one event after the other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Started:
    """It runs."""


@dataclass(frozen=True, slots=True)
class Output:
    """A result, or one item of it."""

    chunk: Any
    index: int | None


@dataclass(frozen=True, slots=True)
class Log:
    """Text that the model printed; any piece of it."""

    text: str


@dataclass(frozen=True, slots=True)
class Completed:
    """The end: nothing follows."""

    status: str
    error: str | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    is_list: bool = False

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Completed":
        """Return the end that an event or a whole answer tells.

        Raises:
            KeyError: if it tells none.
        """
        error = told.get("error")
        return cls(
            status=str(told["status"]),
            error=None if error is None else str(error),
            metrics=told.get("metrics") or {},
            is_list=bool(told.get("output_is_list")),
        )


Event = Started | Output | Log | Completed

_MAKERS: Mapping[str, Callable[[Mapping[str, Any]], Event]] = {
    "start": lambda _: Started(),
    "log": lambda told: Log(str(told.get("data", ""))),
    "output": lambda told: Output(told.get("chunk"), told.get("index")),
    "completed": Completed.of,
}


def event_of(name: str, told: Mapping[str, Any]) -> Event | None:
    """Return an event; None for one that is not known here, as a later server may send."""
    make = _MAKERS.get(name)
    return make(told) if make else None
