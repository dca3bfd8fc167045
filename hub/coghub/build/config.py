"""What a cog.yaml says, as one frozen value: found, read and checked.

1. `find_config` looks for the file here and in the folders above.
2. `read_config` turns YAML into typed fields, then checks what they mean.

All mistakes are told at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DEFAULT_PYTHON = "3.13"


@dataclass(frozen=True, slots=True)
class Mount:
    """A secret that one command sees."""

    type: str
    id: str
    target: str


@dataclass(frozen=True, slots=True)
class Command:
    """One line of `build.run`."""

    command: str
    mounts: tuple[Mount, ...] = ()


@dataclass(frozen=True, slots=True)
class Build:
    """The `build` section."""

    gpu: bool = False
    python_version: str = DEFAULT_PYTHON
    python_requirements: str | None = None
    python_packages: tuple[str, ...] = ()
    system_packages: tuple[str, ...] = ()
    run: tuple[Command, ...] = ()
    pre_install: tuple[str, ...] = ()
    cuda: str | None = None
    cudnn: str | None = None
    sdk_version: str | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """A whole cog.yaml."""

    build: Build = Build()
    image: str | None = None
    model: str | None = None
    predict: str | None = None
    """The reference under `run` or `predict`."""
    train: str | None = None
    max_concurrency: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    weights: tuple[Mapping[str, Any], ...] = ()
    warnings: tuple[str, ...] = ()
    """Lines for the user about fields that have a better spelling."""


def find_config(name: str, start: Path) -> Path:
    """Return the file of that name in `start` or the nearest folder above it.

    Raises:
        ConfigNotFound: if there is none.
    """
    raise NotImplementedError


def project_of(config_path: Path, name: str) -> Path:
    """Return the project's folder: the one from which `name` (such as `conf/gpu.yaml`) resolves."""
    raise NotImplementedError


def read_config(path: Path, project: Path | None = None) -> Config:
    """Return what the file says; `project` is the file's folder unless given.

    Raises:
        ConfigInvalid: with one line for each mistake.
    """
    raise NotImplementedError
