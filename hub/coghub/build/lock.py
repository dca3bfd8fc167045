"""A universal lock: exact versions with hashes, for every platform, naming no index.

torch and its kin stay without hashes: which index they come from is chosen on the machine that runs
the bundle, and each index has files of its own. What torch brings for CUDA is not locked at all,
since torch names exact versions of it.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from coghub.build.events import Notice, Report, Step
from coghub.build.files import write_atomically
from coghub.build.installer import Installer
from coghub.build.interpreters import Interpreters
from coghub.build.local_packages import placed
from coghub.build.pip_settings import index_arguments, read_pip_settings, uv_environ
from coghub.build.plan import Plan
from coghub.build.requirement_lines import logical_lines, name_of, normalised
from coghub.build.requirements import SDK_OVERRIDES
from coghub.settings import Settings

BY_MACHINE = re.compile(r"torch|torchvision|torchaudio|torchtext|xformers")
BY_TORCH = re.compile(r"nvidia-.*|cuda-.*|triton|pytorch-triton.*")

_LOCAL_VERSION = re.compile(r"(==[^\s+;]+)\+[A-Za-z0-9.]+")
_HASHES = re.compile(r"\s+--hash=\S+")


class Locks:
    """Locks that were made, by what they were made from: equal projects get equal bundles.

    They are kept in the folder, and in the cache for who works with another one without network.
    """

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.folder = folder
        self.cache = settings.cache_folder / "locks"

    def lock(self, plan: Plan, project: Path, report: Report) -> tuple[str, ...]:
        """Return the lock of a plan's requirements.

        Raises:
            EnvironmentFailed: with the installer's explanation.
        """
        name = f"{_key(plan)}.txt"
        path, cached = self.folder / name, self.cache / name
        if not path.exists() and cached.exists():
            write_atomically(path, cached.read_text("utf-8"))
        if not path.exists():
            report(Step("Locking packages"))
            lines = self._resolved(plan, project, plan.requirements, report)
            names = {name_of(line) for line in lines}
            missing = [name for name in plan.if_missing if normalised(name) not in names]
            if missing:
                report(Notice(f"The sources import {', '.join(missing)}: added, list it"))
                wanted = (*plan.requirements, *missing)
                lines = self._resolved(plan, project, wanted, report)
            text = "".join(f"{line}\n" for line in portable(lines))
            write_atomically(path, text)
            with suppress(OSError):  # the cache may be somebody else's, and only be read
                write_atomically(cached, text)
        return tuple(path.read_text("utf-8").splitlines())

    def _resolved(
        self, plan: Plan, project: Path, wanted: Iterable[str], report: Report
    ) -> list[str]:
        interpreter = Interpreters(self.settings).find(plan.python_version, report)
        pip = read_pip_settings(self.settings.environ, self.settings.home)
        with TemporaryDirectory(prefix="coghub-lock-") as name:
            folder = Path(name)
            target = folder / "lock.txt"
            source = _write(folder / "requirements.in", (placed(line, project) for line in wanted))
            constraints: list[str | Path] = []
            if plan.constraints:
                file = _write(folder / "constraints.txt", plan.constraints)
                constraints = ["--constraints", file]
            overrides = _write(folder / "overrides.txt", SDK_OVERRIDES)
            Installer(self.settings).run(
                [
                    *("pip", "compile", source, "--output-file", target),
                    *("--universal", "--generate-hashes", "--no-header", "--no-annotate"),
                    *("--python", interpreter.path, "--python-version", interpreter.minor),
                    *("--overrides", overrides, *constraints),
                    *index_arguments(plan.index.over(pip.index)),
                ],
                purpose="lock the packages of this model",
                folder=folder,
                environ=uv_environ(plan.index.in_folder(project), pip, self.settings.environ),
                report=report,
            )
            return logical_lines(target.read_text("utf-8"))


def portable(lines: Iterable[str]) -> list[str]:
    """Return the lines that mean the same on every machine."""
    kept: list[str] = []
    for line in lines:
        name = name_of(line)
        if " @ " in line or BY_TORCH.fullmatch(name):
            continue
        if BY_MACHINE.fullmatch(name):
            kept.append(_LOCAL_VERSION.sub(r"\1", _HASHES.sub("", line)))
        else:
            kept.append(" ".join(line.split()))
    return kept


def _key(plan: Plan) -> str:
    parts = [
        *(plan.format, plan.python_version, plan.requirements, plan.constraints),
        *(plan.if_missing, sorted(plan.local_packages.items())),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _write(path: Path, lines: Iterable[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path
