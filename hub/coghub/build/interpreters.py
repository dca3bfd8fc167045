"""The Python that a plan asks for: found on this machine, or installed by uv."""

from dataclasses import dataclass

from coghub.build.events import Notice, Report, Step, ignore
from coghub.build.installer import Installer
from coghub.build.interpreter_places import Places
from coghub.build.interpreter_probe import Interpreter, Probe
from coghub.domain.errors import EnvironmentFailed, InterpreterNotFound
from coghub.settings import Settings

__all__ = ["Interpreter", "Interpreters"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A version that a plan asks for, with or without a patch."""

    minor: str
    patch: int | None

    @classmethod
    def read(cls, version: str) -> "Wanted":
        """Return "3.12" or "3.12.4" in parts."""
        major, minor, *patch = version.split(".")
        return cls(f"{major}.{minor}", int(patch[0]) if patch else None)

    def distance(self, interpreter: Interpreter) -> int:
        """Return how many patches away an interpreter is; 0 if any will do."""
        return 0 if self.patch is None else abs(interpreter.patch - self.patch)


class Interpreters:
    """Looks on PATH and in the folders of uv, pyenv, Homebrew and conda."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.places = Places(settings)

    def find(self, version: str, report: Report = ignore) -> Interpreter:
        """Return a Python of the version; "3.12.4" means that patch or else the nearest one.

        Raises:
            InterpreterNotFound: if there is none and uv cannot install one; says where it looked.
        """
        wanted = Wanted.read(version)
        found = self._nearest(wanted) or self._installed(wanted, report)
        if wanted.distance(found):
            report(
                Notice(f"Python {version} is not on this machine: using {found.version} instead")
            )
        return found

    def present(self, version: str) -> Interpreter | None:
        """Return a Python of the version that is on this machine already, the nearest patch."""
        return self._nearest(Wanted.read(version))

    def _nearest(self, wanted: Wanted) -> Interpreter | None:
        """Return the first exact match, else the one with the nearest patch."""
        best: Interpreter | None = None
        with Probe(self.settings).opened() as probe:
            for path in self.places.candidates(wanted.minor):
                interpreter = probe.ask(path)
                if interpreter is None or interpreter.minor != wanted.minor:
                    continue
                if best is None or wanted.distance(interpreter) < wanted.distance(best):
                    best = interpreter
                if wanted.distance(best) == 0:
                    break
        return best

    def _installed(self, wanted: Wanted, report: Report) -> Interpreter:
        """Let uv install the version, which needs a network that has it."""
        report(Step(f"Installing Python {wanted.minor}"))
        version = wanted.minor if wanted.patch is None else f"{wanted.minor}.{wanted.patch}"
        reason = "uv installed it, but it does not run here"
        try:
            Installer(self.settings).run(
                ["python", "install", "--no-bin", version],
                purpose=f"install Python {version}",
                folder=self.settings.home,
                environ={"UV_HTTP_RETRIES": self.settings.environ.get("UV_HTTP_RETRIES", "1")},
                report=report,
            )
            found = self._nearest(wanted)
            if found is not None:
                return found
        except EnvironmentFailed as error:
            reason = _in_short(error.message)
        raise InterpreterNotFound(
            f"No Python {wanted.minor} on this machine, and it could not be installed: {reason}",
            hint=f"Install it, or change `python_version`. Looked in: {self.places.described()}",
        )


def _in_short(explanation: str) -> str:
    """Return the first line of an explanation, and the last, which is the root of it."""
    first, *causes = explanation.partition(": ")[2].split("\n")
    return f"{first} ({causes[-1].strip()})" if causes else first
