"""What a long piece of work tells its caller while it goes on."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """A part of the work begins, such as "Installing 12 packages"; shown until the next one."""

    text: str


@dataclass(frozen=True, slots=True)
class Progress:
    """One line of what a tool says meanwhile; may be shown dimmed, or not at all."""

    text: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the user should know; one line, always shown."""

    text: str


Event = Step | Progress | Notice
Report = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Report to nobody."""
    del event
