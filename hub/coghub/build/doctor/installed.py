"""What the environment of a plan holds, where one was made: the sure word on what there is."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from coghub.build.environment import Environments
from coghub.build.plan import Plan
from coghub.build.requirement_lines import normalised
from coghub.settings import Settings


@dataclass(frozen=True, slots=True)
class Installed:
    """The packages of one environment."""

    modules: frozenset[str]
    """First parts of what can be imported."""
    versions: Mapping[str, str]
    """Normalised name of a package → its version, without a local part such as `+cu128`."""


def installed(plan: Plan, settings: Settings) -> Installed | None:
    """Return what the latest environment of a plan's requirements and Python holds."""
    wanted = plan.requirements
    for record in Environments(settings).list():
        is_python = f"{record.python_version}.".startswith(_minor(plan.python_version))
        if is_python and record.requirements == wanted:
            return _read(record.folder)
    return None


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2]) + "."


def _read(folder: Path) -> Installed:
    modules, versions = set[str](), dict[str, str]()
    for path in folder.glob("lib/python*/site-packages/*"):
        if path.suffix == ".dist-info":
            name, _, version = path.stem.partition("-")
            versions[normalised(name)] = version.partition("+")[0]
        elif path.is_dir() or path.suffix in {".py", ".so"}:
            modules.add(path.name.partition(".")[0])
    return Installed(frozenset(modules), versions)
