"""What a cog.yaml resolves to, as one frozen value that can be printed, stored and compared."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from coghub.build import label, requirements, sources
from coghub.build.cog_yaml import Command, Config
from coghub.build.index import NO_INDEX_SETTINGS, IndexSettings
from coghub.build.requirement_lines import normalised
from coghub.domain.errors import BundleInvalid

FORMAT = 1
"""Rises when the meaning of a field changes, so that environments are made anew."""

IMPLIED = ("requests", "PyYAML", "structlog", "typing_extensions")
"""What models got from older versions of Cog without listing it."""

PLAN_PATH = ".cog/plan.json"
LOCK_PATH = ".cog/requirements.lock"
DOCUMENT_PATH = ".cog/openapi_schema.json"
"""Where a bundle carries them, below the project."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that an engine must know to run a project."""

    python_version: str
    requirements: tuple[str, ...] = ()
    """Lines for the installer, with included files and additions.

    A local package is a path below the project, beginning with `./`.
    """
    constraints: tuple[str, ...] = ()
    if_missing: tuple[str, ...] = ()
    """Packages that the sources import: added where no other package brings them."""
    local_packages: Mapping[str, str] = field(default_factory=dict)
    """Path below the project → digest of its content."""
    index: IndexSettings = NO_INDEX_SETTINGS
    system_packages: tuple[str, ...] = ()
    run: tuple[Command, ...] = ()
    """`build.run`, then `build.pre_install`."""
    environment: Mapping[str, str] = field(default_factory=dict)
    predict: str | None = None
    train: str | None = None
    max_concurrency: int | None = None
    gpu: bool = False
    cuda: str | None = None
    cudnn: str | None = None
    lock: tuple[str, ...] = ()
    """Exact versions with hashes, for a bundle that was built; empty for a project."""
    warnings: tuple[str, ...] = ()
    """Lines for the user about what was changed on the way from cog.yaml."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """The effective cog.yaml, as in the label `run.cog.config`."""
    format: int = FORMAT


def resolve(config: Config, project: Path) -> Plan:
    """Return the plan of a project.

    Raises:
        RequirementsInvalid: if a requirements file cannot be read or used.
    """
    build = config.build
    found = requirements.read_requirements(build, project)
    names = found.names()
    implied = [name for name in IMPLIED if normalised(name) not in names]
    return Plan(
        python_version=build.python_version,
        requirements=(*found.packages, *implied),
        constraints=tuple(found.constraints),
        if_missing=_if_missing(config, project, names),
        local_packages=found.local_packages,
        index=found.index,
        system_packages=build.system_packages,
        run=(*build.run, *(Command(line) for line in build.pre_install)),
        environment=config.environment,
        predict=config.predict,
        train=config.train,
        max_concurrency=config.max_concurrency,
        gpu=build.gpu,
        cuda=build.cuda,
        cudnn=build.cudnn,
        warnings=(*config.warnings, *found.warnings),
        config=label.config_json(config),
    )


def _if_missing(config: Config, project: Path, names: set[str]) -> tuple[str, ...]:
    """Name pydantic where the model's code imports it: older versions of Cog brought it along."""
    references = tuple(one for one in (config.predict, config.train) if one)
    if "pydantic" in names or "pydantic" not in sources.imported(project, references):
        return ()
    return ("pydantic",)


def plan_json(plan: Plan) -> dict[str, Any]:
    """Return the plan as JSON; empty fields are left out."""
    return _without_empty(asdict(plan))


def _without_empty(value: dict[str, Any]) -> dict[str, Any]:
    cleaned = {
        key: _without_empty(item) if isinstance(item, dict) else item for key, item in value.items()
    }
    return {key: item for key, item in cleaned.items() if item not in (None, False, (), {}, [])}


def read_plan(project: Path) -> Plan:
    """Return the plan that an unpacked bundle carries.

    Raises:
        BundleInvalid: if it has none, or a forged one.
    """
    import msgspec  # noqa: PLC0415 - only bundles need it

    try:
        plan = msgspec.json.decode((project / PLAN_PATH).read_bytes(), type=Plan)
        lock = (project / LOCK_PATH).read_text("utf-8").splitlines()
        return replace(plan, lock=tuple(lock))
    except (OSError, UnicodeError, msgspec.DecodeError) as error:
        raise BundleInvalid(f"The bundle carries no plan that can be read: {error}") from error
