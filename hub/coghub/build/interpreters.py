"""The Python that a plan asks for: found on this machine, or installed by uv."""

from dataclasses import dataclass
from pathlib import Path

from coghub.build.events import Report, ignore
from coghub.settings import Settings


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python that answered."""

    path: Path
    version: str
    """Exact, such as "3.12.4"."""
    platform: str
    """Such as "linux-x86_64"; with the version it names what its environments are good for."""


class Interpreters:
    """Looks on PATH and in the folders of uv, pyenv, Homebrew and conda."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def find(self, version: str, report: Report = ignore) -> Interpreter:
        """Return a Python of the version; "3.12.4" means that patch or else the nearest one.

        Raises:
            InterpreterNotFound: if there is none and uv cannot install one; says where it looked.
        """
        raise NotImplementedError
