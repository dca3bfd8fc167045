"""Environments for models: made once, never changed, removed when long unused."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from coghub.build.events import Report
from coghub.build.plan import Plan
from coghub.settings import Settings


@dataclass(frozen=True, slots=True)
class Environment:
    """One that is ready, and that `prune` spares while this process or one it became lives."""

    key: str
    folder: Path
    python: Path
    python_version: str


@dataclass(frozen=True, slots=True)
class EnvironmentRecord:
    """What `cog env list` shows of one environment."""

    key: str
    folder: Path
    python_version: str
    requirements: tuple[str, ...]
    size_bytes: int
    created_at: datetime
    used_at: datetime
    is_in_use: bool


class Environments:
    """The folder of environments."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = settings.cache_folder / "environments"

    def ensure(
        self, plan: Plan, project: Path, report: Report, *, run_commands: bool = False
    ) -> Environment:
        """Return the environment of a plan, made now if there is none.

        Many processes may call it at once: one makes it, the others wait.

        Raises:
            InterpreterNotFound: if the plan's Python is not to be had.
            EnvironmentFailed: with the installer's own explanation.
            DiskFull: if no space is left in the cache folder.
        """
        raise NotImplementedError

    def list(self) -> tuple[EnvironmentRecord, ...]:
        """Return what is ready, the most recently used first."""
        raise NotImplementedError

    def prune(self, budget_bytes: int = 0) -> tuple[EnvironmentRecord, ...]:
        """Remove the least recently used until the rest fits, and return what was removed."""
        raise NotImplementedError
