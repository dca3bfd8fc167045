"""Asks a file whether it is a Python, and which; what it answered is remembered."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coghub.build.files import write_atomically
from coghub.domain.errors import DiskFull
from coghub.settings import Settings

TIMEOUT_S = 10.0
"""A shim may start three shells; one that waits for a person never answers."""
REFUSAL_LIFE_S = 3600.0
"""What did not answer is asked again after that: a missing library may have come."""

QUESTION = """
import json, platform, sys, sysconfig
print(json.dumps({
    "path": getattr(sys, "_base_executable", None) or sys.executable,
    "version": "%d.%d.%d" % sys.version_info[:3],
    "platform": sysconfig.get_platform() + "-" + getattr(sys.implementation, "_multiarch", ""),
    "is_usual": sys.version_info.releaselevel == "final" and sys.maxsize > 2**32
        and platform.python_implementation() == "CPython"
        and not sysconfig.get_config_var("Py_GIL_DISABLED"),
}))
"""
MISLEADING = ("PYTHONHOME", "PYTHONPATH", "PYTHONEXECUTABLE", "__PYVENV_LAUNCHER__", "VIRTUAL_ENV")


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python that answered."""

    path: Path
    """The real one: behind a shim, and outside of any virtual environment."""
    version: str
    """Exact, such as "3.12.4"."""
    platform: str
    """Such as "linux-x86_64-x86_64-linux-gnu": what compiled packages must fit."""

    @property
    def minor(self) -> str:
        """The version without its patch, such as "3.12"."""
        return self.version.rpartition(".")[0]

    @property
    def patch(self) -> int:
        """The last number of the version."""
        return int(self.version.rpartition(".")[2])


class Probe:
    """Answers by file, kept as long as the file does not change."""

    def __init__(self, settings: Settings) -> None:
        self.store = settings.cache_folder / "interpreters.json"
        environ = {key: value for key, value in settings.environ.items() if key not in MISLEADING}
        self.environ = environ
        self.home = settings.home
        self.answers: dict[str, dict[str, Any]] = {}

    @contextmanager
    def opened(self) -> Generator["Probe"]:
        """Read what is remembered, and write it if something was learned."""
        self.answers = _read(self.store)
        before = json.dumps(self.answers)
        try:
            yield self
        finally:
            if json.dumps(self.answers) != before:
                # Who cannot remember asks again; what is made next tells of the folder.
                with suppress(OSError, DiskFull):
                    write_atomically(self.store, json.dumps(self.answers))

    def ask(self, path: Path) -> Interpreter | None:
        """Return what the file is; None if it is no Python that can be used, or does not answer."""
        mark = _mark(path)
        known = self.answers.get(str(path))
        if known is None or known["mark"] != mark or _is_stale(known):
            self.answers[str(path)] = {"mark": mark, "at": time.time(), "answer": self._run(path)}
        answer = self.answers[str(path)]["answer"]
        if not answer or not answer["is_usual"]:
            return None
        return Interpreter(Path(answer["path"]), answer["version"], answer["platform"])

    def _run(self, path: Path) -> dict[str, Any] | None:
        try:
            process = subprocess.Popen(
                [path, "-I", "-c", QUESTION],
                env=self.environ,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError:
            return None
        try:
            output, _ = process.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            output = b""
        finally:
            _end(process)
        return _parsed(output)


def _read(store: Path) -> dict[str, dict[str, Any]]:
    try:
        answers = json.loads(store.read_bytes())
    except (OSError, ValueError):
        return {}
    return answers if isinstance(answers, dict) else {}


def _mark(path: Path) -> list[int]:
    """Return what changes when the file does."""
    try:
        status = path.stat()
    except OSError:
        return []
    return [status.st_mtime_ns, status.st_size, status.st_ino]


def _is_stale(known: dict[str, Any]) -> bool:
    """Tell whether the file should be asked again though it did not change."""
    answer = known.get("answer")
    if answer is None:
        return time.time() - known.get("at", 0) > REFUSAL_LIFE_S
    return not Path(answer["path"]).exists()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Stop the process and what it started, if it still runs."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _parsed(output: bytes) -> dict[str, Any] | None:
    try:
        answer = json.loads(output)
    except ValueError:
        return None
    is_whole = isinstance(answer, dict) and {"path", "version", "platform"} <= set(answer)
    return answer if is_whole else None
