"""What every command is given when it is called."""

from dataclasses import dataclass

from coghub.cli.output import Console
from coghub.settings import Settings


@dataclass(frozen=True, slots=True)
class Invocation:
    """The settings of the process, and where it speaks."""

    settings: Settings
    console: Console
    is_debug: bool = False
    registry: str | None = None
    """Host that `--registry` names."""
