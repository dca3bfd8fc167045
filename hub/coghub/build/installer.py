"""Runs uv: passes on what it says while it works, and its own explanation when it fails."""

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from coghub.build.events import Progress, Report, ignore
from coghub.build.interrupts import uninterrupted
from coghub.build.lifeline import Lifeline
from coghub.domain.errors import DiskFull, EnvironmentFailed
from coghub.settings import Settings

MAX_EXPLANATION_LINES = 30
"""A build backend may add a whole compiler's output; its end says what was wrong."""

UNREACHABLE = (
    "Check the network; the package index is what the requirements or `pip config list` name"
)
HIDDEN = frozenset(
    {
        # They would send packages to an environment that is not ours.
        *(
            "VIRTUAL_ENV",
            "CONDA_PREFIX",
            "PYTHONHOME",
            "PYTHONPATH",
            "UV_SYSTEM_PYTHON",
            "UV_PYTHON",
        ),
        # Older names of UV_DEFAULT_INDEX and UV_INDEX, which are given with their content.
        *("UV_INDEX_URL", "UV_EXTRA_INDEX_URL"),
    }
)

_NETWORK = ("error sending request", "dns error", "operation timed out", "(Connect)")
_FAULT = re.compile(r"^(error: |\s*[×x] )")
_TALK = re.compile(r"\s*([-+~] |Using |$)")
_DECORATION = re.compile(r"^\s*(cause: |[╰├]─▶ |│ |[×] )?\s*")


class Installer:
    """uv, as the settings let it be found."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def run(
        self,
        arguments: Sequence[str | Path],
        *,
        purpose: str,
        folder: Path,
        environ: Mapping[str, str] | None = None,
        report: Report = ignore,
        kept_open: tuple[int, ...] = (),
    ) -> None:
        """Run uv in a folder and wait for it; it ends with this process, however that ends.

        Args:
            arguments: What follows `uv`.
            purpose: Ends the sentence "Could not …".
            folder: Where it runs; never the project, whose own settings for uv do not count.
            environ: Variables that win over the environment's.
            report: Hears each line that uv prints.
            kept_open: File descriptors that it inherits, so that a lock lives as long as it.

        Raises:
            DiskFull: if uv says so.
            EnvironmentFailed: with its explanation.
        """
        command = [str(self.path()), *map(str, arguments)]
        with uninterrupted():
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={**self._environ(), **(environ or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                pass_fds=kept_open,
            )
            lifeline = Lifeline()
            lifeline.guard(process.pid)
        try:
            lines = _follow(process, report)
        finally:
            lifeline.close()
        if process.returncode != 0:
            raise _failure(purpose, lines)

    def path(self) -> Path:
        """Return where uv is: the one that came with this command, else the one on PATH.

        Raises:
            EnvironmentFailed: if there is none.
        """
        try:
            import uv  # noqa: PLC0415 - needed only where something is installed

            return Path(uv.find_uv_bin())
        except (ImportError, FileNotFoundError):
            found = shutil.which("uv", path=self.settings.environ.get("PATH"))
        if found is None:
            raise EnvironmentFailed("uv is not on this machine", hint="Run `pip install uv`")
        return Path(found)

    def _environ(self) -> dict[str, str]:
        kept = {name: value for name, value in self.settings.environ.items() if name not in HIDDEN}
        return {"UV_NO_PROGRESS": "1", "NO_COLOR": "1", **kept}


def _follow(process: subprocess.Popen[str], report: Report) -> list[str]:
    """Pass on each line until the end; an interruption ends the process too."""
    lines: list[str] = []
    try:
        assert process.stderr is not None
        for line in process.stderr:
            lines.append(line.rstrip())
            if not _TALK.match(line):
                report(Progress(line.strip()))
        process.wait()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stderr is not None:
            process.stderr.close()
    return lines


def _failure(purpose: str, lines: list[str]) -> EnvironmentFailed | DiskFull:
    if any("No space left on device" in line or "os error 28" in line for line in lines):
        return DiskFull(
            f"Could not {purpose}: no space is left on the disk",
            hint="Free some with `cog env prune`",
        )
    start = next((at for at, line in enumerate(lines) if _FAULT.match(line)), 0)
    told = [_DECORATION.sub("", line.removeprefix("error: ")) for line in lines[start:]]
    told = [line for line in told if line]
    if len(told) > MAX_EXPLANATION_LINES:
        told = [*told[:5], "…", *told[5 - MAX_EXPLANATION_LINES :]]
    first, rest = (told[0], told[1:]) if told else ("uv says nothing", [])
    is_cut_off = any(sign in line for line in lines for sign in _NETWORK)
    return EnvironmentFailed(
        "\n  ".join([f"Could not {purpose}: {first}", *rest]),
        hint=UNREACHABLE if is_cut_off else None,
    )
