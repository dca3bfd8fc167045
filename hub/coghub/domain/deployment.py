"""Deployments: a version bound to hardware and to limits of instances, under a name that stays.

Each change makes a release; to roll back makes another one, like an older one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from coghub.domain.errors import InputRejected, InvalidField

MOST_MIN_INSTANCES = 5
MOST_MAX_INSTANCES = 20
"""Source: Replicate's HTTP API, "deployments.create"."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """Where the instances of a release run, and how many there are."""

    hardware: str
    min_instances: int
    """So many are kept, also while nobody needs them."""
    max_instances: int
    """Never more; with none the deployment is switched off."""

    def changed(self, fields: Mapping[str, Any]) -> "Configuration":
        """Return it with some fields of it replaced; others are passed over."""
        known = {name: fields[name] for name in FIELDS if name in fields}
        return replace(self, **known)


FIELDS = ("hardware", "min_instances", "max_instances")


def require_limits(configuration: Configuration) -> None:
    """Do nothing if there may be so many instances.

    Raises:
        InputRejected: naming the field that cannot be.
    """
    least, most = configuration.min_instances, configuration.max_instances
    _require_within("min_instances", least, MOST_MIN_INSTANCES)
    _require_within("max_instances", most, MOST_MAX_INSTANCES)
    if least > most:
        text = "Must be greater than or equal to min_instances"
        raise InputRejected([InvalidField("number_gte", "max_instances", text)])


def _require_within(field: str, value: int, limit: int) -> None:
    if value < 0:
        text = "Must be greater than or equal to 0"
        raise InputRejected([InvalidField("number_gte", field, text)])
    if value > limit:
        text = f"Must be less than or equal to {limit}"
        raise InputRejected([InvalidField("number_lte", field, text)])


@dataclass(frozen=True, slots=True)
class Release:
    """What a deployment runs, from one change to the next."""

    number: int
    """From 1 on, without gaps."""
    model: str
    """`owner/name`."""
    version_key: int
    version_id: str
    configuration: Configuration
    created_at: datetime
    created_by: str
    """The account that made it."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A named, adjustable binding of a version to hardware and limits of instances."""

    id: int
    owner_id: int
    owner: str
    name: str
    created_at: datetime
    current_release: Release

    @property
    def full_name(self) -> str:
        """As clients write it: `owner/name`."""
        return f"{self.owner}/{self.name}"


@dataclass(frozen=True, slots=True)
class Deployed:
    """A version at a deployment: what some wait for, and instances are there for."""

    deployment_id: int
    version_key: int
