"""Environments for models: made once, never changed, removed when long unused."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from coghub.build import commands, file_lock
from coghub.build.environment_key import key_of
from coghub.build.events import Report, Step
from coghub.build.file_lock import Lock
from coghub.build.files import remove, size_of, write_atomically
from coghub.build.installer import Installer
from coghub.build.interpreters import Interpreters
from coghub.build.pip_settings import read_pip_settings
from coghub.build.plan import Plan
from coghub.build.provision import Order, Provision
from coghub.build.sdk import sdk_path
from coghub.domain.errors import EnvironmentFailed
from coghub.settings import Settings

READY = "coghub.json"
"""The last file that is written: without it an environment is half-made and is made again."""


@dataclass(frozen=True, slots=True)
class Environment:
    """One that is ready, and that `prune` spares while this process or one it became lives."""

    key: str
    folder: Path
    python: Path
    python_version: str
    lock: Lock = field(repr=False, compare=False)

    def release(self) -> None:
        """Let `prune` have it; the end of the process does the same."""
        self.lock.release()


@dataclass(frozen=True, slots=True)
class EnvironmentRecord:
    """What `cog env list` shows of one environment."""

    key: str
    folder: Path
    python_version: str
    requirements: tuple[str, ...]
    """What was asked for, not what it led to."""
    size_bytes: int
    created_at: datetime
    used_at: datetime
    is_in_use: bool


class Environments:
    """The folder of environments."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = settings.cache_folder / "environments"
        self.interpreters = Interpreters(settings)
        self.installer = Installer(settings)

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
        if not run_commands:
            commands.tell_not_applied(plan, report)
        interpreter = self.interpreters.find(plan.python_version, report)
        pip = read_pip_settings(self.settings.environ, self.settings.home)
        plan = replace(plan, constraints=(*plan.constraints, *pip.constraints))
        key = key_of(plan, interpreter, plan.index.over(pip.index), run_commands=run_commands)
        order = Order(plan, project, self.folder / key, interpreter, pip, run_commands=run_commands)
        try:
            lock = self._ready(order) or self._made(order, key, report)
        except OSError as error:
            raise EnvironmentFailed(
                f"Could not write to {self.folder}: {error.strerror}",
                hint="Choose another folder with `COG_CACHE_DIR`",
            ) from error
        with suppress(OSError):  # what may not be written is not pruned from here either
            os.utime(lock.fd)
        return Environment(key, order.folder, order.python, interpreter.version, lock)

    def list(self) -> tuple[EnvironmentRecord, ...]:
        """Return what is ready, the most recently used first."""
        records = (self._record(folder) for folder in self._folders())
        found = [record for record in records if record is not None]
        return tuple(sorted(found, key=lambda record: record.used_at, reverse=True))

    def prune(self, budget_bytes: int = 0) -> tuple[EnvironmentRecord, ...]:
        """Remove the least recently used until the rest fits, and return what was removed.

        Half-made ones that nobody is making go too.
        """
        removed: list[EnvironmentRecord] = []
        kept_bytes = 0
        for record in self.list():
            kept_bytes += record.size_bytes
            if kept_bytes > budget_bytes and self._remove(record.folder):
                kept_bytes -= record.size_bytes
                removed.append(record)
        names = {path.name.removesuffix(".lock") for path in self.folder.glob("*")}
        for folder in (self.folder / name for name in names):
            if not (folder / READY).exists():
                self._remove(folder)
        return tuple(removed)

    def _ready(self, order: Order) -> Lock | None:
        """Return a lock on an environment that can be used now.

        Its Python is a link: one that leads nowhere by now is removed with its environment.
        """
        lock = file_lock.shared(self._lock_path(order.folder.name))
        if lock is None:
            return None
        is_made, has_python = (order.folder / READY).exists(), order.python.exists()
        if is_made and has_python:
            return lock
        lock.release()
        if is_made and not self._remove(order.folder):
            raise EnvironmentFailed(
                f"An environment in use has lost its Python: {order.python}",
                hint="Stop what runs in it, and try again",
            )
        return None

    def _made(self, order: Order, key: str, report: Report) -> Lock:
        """Make the environment, or wait for the process that does."""
        while True:
            lock = file_lock.exclusive(self._lock_path(key))
            if lock is None:
                report(Step("Waiting for another process that makes this environment"))
                file_lock.wait_shared(self._lock_path(key)).release()
            else:
                try:
                    if not (order.folder / READY).exists():
                        self._make(order, key, lock, report)
                finally:
                    lock.release()
            # The other may have failed, and between two locks `prune` may come: then again.
            ready = self._ready(order)
            if ready is not None:
                return ready

    def _make(self, order: Order, key: str, lock: Lock, report: Report) -> None:
        remove(order.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        order = replace(order, kept_open=(lock.fd,))
        try:
            resolved = Provision(order, self.installer, report).make()
            self._compile_sdk(order.python)
            record = _description(order, key, resolved)
            write_atomically(order.folder / READY, json.dumps(record, indent=1))
        except BaseException:
            remove(order.folder)
            raise

    def _compile_sdk(self, python: Path) -> None:
        """Byte-compile the SDK for a Python that may be new to it: a start is a second faster."""
        subprocess.run(
            [python, "-I", "-m", "compileall", "-q", sdk_path(self.settings) / "cog"],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _remove(self, folder: Path) -> bool:
        """Remove an environment, unless someone uses or makes it."""
        lock = file_lock.exclusive(self._lock_path(folder.name))
        if lock is None:
            return False
        try:
            (folder / READY).unlink(missing_ok=True)
            remove(folder)
        finally:
            lock.remove()
        return True

    def _record(self, folder: Path) -> EnvironmentRecord | None:
        try:
            stored = json.loads((folder / READY).read_bytes())
            used = self._lock_path(folder.name).stat().st_mtime
        except (OSError, ValueError):
            return None
        return EnvironmentRecord(
            key=folder.name,
            folder=folder,
            python_version=stored["python_version"],
            requirements=tuple(stored["requirements"]),
            size_bytes=stored["size_bytes"],
            created_at=datetime.fromisoformat(stored["created_at"]),
            used_at=datetime.fromtimestamp(used, UTC),
            is_in_use=self._is_in_use(folder.name),
        )

    def _is_in_use(self, key: str) -> bool:
        lock = file_lock.exclusive(self._lock_path(key))
        if lock is not None:
            lock.release()
        return lock is None

    def _folders(self) -> Iterator[Path]:
        if self.folder.is_dir():
            yield from (path for path in self.folder.iterdir() if path.is_dir())

    def _lock_path(self, key: str) -> Path:
        return self.folder / f"{key}.lock"


def _description(order: Order, key: str, resolved: list[str]) -> dict[str, Any]:
    return {
        "key": key,
        "python_version": order.interpreter.version,
        "requirements": list(order.plan.requirements),
        "resolved": resolved,
        "size_bytes": size_of(order.folder),
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
