"""Several hubs that share one database: what they know of each other, and what they tell."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from coghub.domain.hardware import Hardware
from coghub.domain.instance import Stage
from coghub.domain.signals import Line


class Topic(StrEnum):
    """What news are about; the value is as short as it may be, as many share one message."""

    QUEUED = "q"
    """A prediction waits, and the hub that tells it has no free slot for it."""
    TAKEN = "t"
    """A prediction waits no more."""
    CHANGED = "c"
    """A prediction has told something."""
    ENDED = "e"
    """A prediction has ended."""
    VERSION_DELETED = "v"
    DEPLOYMENTS = "d"
    """One was made, changed or deleted."""
    INSTANCES = "i"
    """The teller's instances are others, or elsewhere on their way."""
    HUBS = "h"
    """A hub came, or leaves."""


@dataclass(frozen=True, slots=True)
class News:
    """Something that other hubs are told; the rows are the truth, and are read by who needs it."""

    topic: Topic
    key: str = ""
    """Of the prediction, or the version."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A hub as others see it."""

    id: int
    place: str
    """Its machine and data folder."""
    executor: str
    storage: str
    """Where its objects are."""
    hardware: tuple[Hardware, ...]
    beat: int
    """Grows as long as it lives."""
    is_leaving: bool
    started_at: datetime


@dataclass(frozen=True, slots=True)
class PeerInstance:
    """An instance of another hub, ready or on its way."""

    id: str
    hub_id: int
    line: Line
    hardware: str
    stage: Stage
    slots: int
    created_at: datetime

    @property
    def is_ready(self) -> bool:
        """Whether it takes predictions."""
        return self.stage is Stage.READY
