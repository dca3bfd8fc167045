"""Makes one environment in a folder of its own.

1. A virtual environment of the interpreter.
2. The requirements are resolved to exact versions, without what comes from elsewhere (`cog`).
3. The result is adapted: pydantic where it is imported and missing, OpenCV without a screen.
4. What came out is installed, without looking at dependencies again. Nothing is byte-compiled:
   of torch's five thousand modules the first start needs, and compiles, a third.
5. The commands of `build.run`, if they are wanted.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from coghub.build import commands, local_packages, machine
from coghub.build.events import Notice, Report, Step
from coghub.build.files import explained
from coghub.build.installer import Installer
from coghub.build.interpreter_probe import Interpreter
from coghub.build.pip_settings import PipSettings, index_arguments, uv_environ
from coghub.build.plan import Plan
from coghub.build.requirement_lines import name_and_version, name_of, normalised
from coghub.build.requirements import SDK_NAMES, SDK_OVERRIDES

PURPOSE = "install the packages of this model"
SCREENLESS = {
    "opencv-python": "opencv-python-headless",
    "opencv-contrib-python": "opencv-contrib-python-headless",
}
"""The same versions with the same modules, but for windows on a screen, which need libGL."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be made, and where."""

    plan: Plan
    project: Path
    """The folder that local packages lie in."""
    folder: Path
    interpreter: Interpreter
    pip: PipSettings
    run_commands: bool = False
    kept_open: tuple[int, ...] = ()
    """File descriptors of locks that must live as long as what is started here."""

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.folder / "bin" / "python"


class Provision:
    """The making of one environment."""

    def __init__(self, order: Order, installer: Installer, report: Report) -> None:
        self.order = order
        self.installer = installer
        self.report = report
        self.files = order.folder / ".coghub"

    def make(self) -> list[str]:
        """Make it and return the exact requirements that were installed.

        Raises:
            EnvironmentFailed: with the installer's explanation.
            DiskFull: if no space is left.
        """
        order = self.order
        self.report(Step(f"Making an environment with Python {order.interpreter.version}"))
        seed = ["--seed"] if order.run_commands else []
        self._uv(
            "venv",
            "--quiet",
            "--no-project",
            *seed,
            "--python",
            order.interpreter.path,
            order.folder,
        )
        with explained(self.files):
            self.files.mkdir()
        resolved = self._resolve()
        self._install(resolved)
        self._tell_of_sdk()
        if order.run_commands:
            commands.run(order.plan, order.folder, self.installer.settings.environ, self.report)
        return resolved

    def _resolve(self) -> list[str]:
        self.report(Step("Resolving packages"))
        plan = self.order.plan
        wanted = [local_packages.placed(line, self.order.project) for line in plan.requirements]
        resolved = self._compile(wanted)
        names = {name_of(line) for line in resolved}
        missing = [name for name in plan.if_missing if normalised(name) not in names]
        if missing:
            shown = ", ".join(missing)
            self.report(
                Notice(f"The sources import {shown}, which no package brings: added, list it")
            )
            resolved = self._compile([*wanted, *missing])
        return resolved if machine.has_libgl() else self._without_screen(resolved)

    def _compile(self, wanted: list[str]) -> list[str]:
        """Return exact versions for what is wanted."""
        source = self._write("requirements.in", wanted)
        target = self.files / "resolved.txt"
        overrides = self._write("overrides.txt", SDK_OVERRIDES)
        target.unlink(missing_ok=True)
        self._uv(
            *("pip", "compile", source, "--output-file", target, "--python", self.order.python),
            *("--no-header", "--no-annotate", "--no-strip-extras", "--overrides", overrides),
            *self._constraints(),
            *index_arguments(self.order.plan.index.over(self.order.pip.index)),
        )
        return target.read_text("utf-8").splitlines()

    def _without_screen(self, resolved: list[str]) -> list[str]:
        """Swap OpenCV for its twin that needs no libGL."""
        found = {name_of(line) for line in resolved} & set(SCREENLESS)
        for name in sorted(found):
            text = f"libGL is missing here: {SCREENLESS[name]} is installed instead of {name}"
            self.report(Notice(text))
        return [_screenless(line) for line in resolved]

    def _install(self, resolved: list[str]) -> None:
        if not resolved:
            return
        self.report(Step(f"Installing {len(resolved)} packages"))
        self._uv(
            *("pip", "install", "--python", self.order.python, "--no-deps"),
            *("-r", self._write("installed.txt", resolved)),
            *self._constraints(),
            *index_arguments(self.order.plan.index.over(self.order.pip.index)),
        )

    def _constraints(self) -> list[str | Path]:
        """Return the arguments that hold versions, and check hashes where some are given."""
        plan = self.order.plan
        hashed = [line for line in plan.requirements if "--hash=" in line]
        lines = [*plan.constraints, *plan.lock, *hashed]
        return ["--constraints", self._write("constraints.txt", lines)] if lines else []

    def _tell_of_sdk(self) -> None:
        """Say which packages wanted a `cog` of their own."""
        described = "lib/python*/site-packages/*.dist-info/METADATA"
        for path in sorted(self.order.folder.glob(described)):
            text = path.read_text("utf-8", "replace").partition("\n\n")[0]
            for line in text.splitlines():
                key, _, value = line.partition(": ")
                if key == "Requires-Dist" and name_of(value) in SDK_NAMES:
                    owner = path.parent.name.partition("-")[0]
                    self.report(
                        Notice(f"'{value}' required by {owner} — overriding with the SDK here")
                    )

    def _write(self, name: str, lines: Iterable[str]) -> Path:
        path = self.files / name
        with explained(path):
            path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        return path

    def _uv(self, *arguments: str | Path) -> None:
        order = self.order
        index = order.plan.index.in_folder(order.project)
        environ = uv_environ(index, order.pip, self.installer.settings.environ)
        self.installer.run(
            arguments,
            purpose=PURPOSE,
            folder=order.folder.parent,
            environ=environ,
            report=self.report,
            kept_open=order.kept_open,
        )


def _screenless(line: str) -> str:
    """Return the line for the twin of a package that needs a screen, others as they are."""
    name, version = name_and_version(line)
    twin = SCREENLESS.get(normalised(name))
    return line if twin is None else f"{twin}=={version}"
