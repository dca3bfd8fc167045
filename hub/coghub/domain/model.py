"""Models and their versions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

NAME = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
"""Source: OCI distribution specification 1.1, "Pulling manifests"."""
MAX_NAME_CHARACTERS = 128


class Visibility(StrEnum):
    """Who may see a model."""

    PUBLIC = "public"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class ModelOrder:
    """How models are listed."""

    by: str = "latest_version_created_at"
    """That, or `model_created_at`."""
    is_ascending: bool = False


@dataclass(frozen=True, slots=True)
class Model:
    """A named thing of an owner, with versions."""

    id: int
    owner_id: int
    owner: str
    name: str
    visibility: Visibility
    created_at: datetime
    hardware: str | None = None
    """The sku that its versions run on; None leaves the choice to the hub."""
    description: str | None = None
    readme: str | None = None
    github_url: str | None = None
    paper_url: str | None = None
    license_url: str | None = None
    weights_url: str | None = None
    cover_image_url: str | None = None
    run_count: int = 0
    latest_version: "Version | None" = None

    @property
    def full_name(self) -> str:
        """As clients write it: `owner/name`."""
        return f"{self.owner}/{self.name}"


@dataclass(frozen=True, slots=True)
class Version:
    """An immutable image of a model."""

    key: int
    """The row's number: two models may hold the same image, and then share its id."""
    id: str
    """The manifest's digest in hex, 64 characters."""
    model_id: int
    created_at: datetime
    cog_version: str
    openapi_schema: Mapping[str, Any]
    is_bundle: bool
    config: Mapping[str, Any]
    """The cog.yaml that it was built from, as in the label `run.cog.config`."""


def is_model_name(name: str) -> bool:
    """Tell whether a model may have this name."""
    return len(name) <= MAX_NAME_CHARACTERS and NAME.fullmatch(name) is not None
