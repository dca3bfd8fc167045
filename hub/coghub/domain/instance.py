"""Running copies of versions, and how far they are."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Stage(StrEnum):
    """Where an instance stands."""

    QUEUED = "queued"
    """It waits for free hardware."""
    FETCHING = "fetching"
    """Its image or bundle is brought to where it runs."""
    BUILDING = "building"
    """Its environment is made."""
    BOOTING = "booting"
    """Its server starts."""
    SETUP = "setup"
    """The model loads."""
    READY = "ready"
    STOPPED = "stopped"
    FAILED = "failed"
    """It could not become ready, or died."""


@dataclass(frozen=True, slots=True)
class InstanceRecord:
    """What is known of an instance, running or not."""

    id: str
    version_key: int
    version_id: str
    model: str
    """`owner/name`."""
    hardware: str
    executor: str
    stage: Stage
    created_at: datetime
    ready_at: datetime | None = None
    stopped_at: datetime | None = None
    error: str | None = None
    logs: str = ""
    """Of its way to `ready`, setup's own included."""
