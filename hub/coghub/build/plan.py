"""What a cog.yaml resolves to, as one frozen value that can be printed, stored and compared."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coghub.build.config import Command, Config

FORMAT = 1
"""Rises when the meaning of a field changes, so that environments are made anew."""


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """Where packages come from, as the project's requirements say."""

    index_url: str | None = None
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    trusted_hosts: tuple[str, ...] = ()
    pre: bool = False
    no_binary: tuple[str, ...] = ()
    only_binary: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that an engine must know to run a project."""

    python_version: str
    requirements: tuple[str, ...] = ()
    """Lines for the installer, with included files and additions.

    A local package is a path below the project."""
    constraints: tuple[str, ...] = ()
    if_missing: tuple[str, ...] = ()
    """Packages that the sources import: added where no other package brings them."""
    local_packages: Mapping[str, str] = field(default_factory=dict)
    """Path below the project → digest of its content."""
    index: IndexSettings = IndexSettings()
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
    raise NotImplementedError


def plan_json(plan: Plan) -> dict[str, Any]:
    """Return the plan as JSON; empty fields are left out."""
    raise NotImplementedError


def read_plan(project: Path) -> Plan:
    """Return the plan that an unpacked bundle carries.

    Raises:
        BundleInvalid: if it has none, or a forged one.
    """
    raise NotImplementedError
