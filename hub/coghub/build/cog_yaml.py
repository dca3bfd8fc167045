"""What a cog.yaml may say, as frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DEFAULT_PYTHON = "3.13"
"""For a cog.yaml without a `build` section."""


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
