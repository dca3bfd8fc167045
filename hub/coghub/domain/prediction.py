"""One call of one version, and the states it goes through."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from coghub.domain.model import Version


class Status(StrEnum):
    """Where a prediction stands; the words are those of the API."""

    STARTING = "starting"
    """It waits for an instance, or for the instance to boot."""
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def is_final(self) -> bool:
        """Whether nothing follows."""
        return not NEXT[self]


NEXT: Mapping[Status, frozenset[Status]] = {
    # Back to the queue from `processing`, once, when an instance died before the first output.
    Status.STARTING: frozenset({Status.PROCESSING, Status.FAILED, Status.CANCELED}),
    Status.PROCESSING: frozenset(
        {Status.STARTING, Status.SUCCEEDED, Status.FAILED, Status.CANCELED}
    ),
    Status.SUCCEEDED: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELED: frozenset(),
}
"""Which state may follow which."""

REDACTED = "[REDACTED]"
"""Shown in place of a `Secret` input."""


class WebhookEvent(StrEnum):
    """What a webhook may be told of."""

    START = "start"
    OUTPUT = "output"
    LOGS = "logs"
    COMPLETED = "completed"


DEFAULT_WEBHOOK_EVENTS = frozenset({WebhookEvent.OUTPUT, WebhookEvent.COMPLETED})
"""What a webhook is told of where the request does not say."""


class Source(StrEnum):
    """Where a prediction was made."""

    API = "api"
    WEB = "web"


FILE_SCHEME = "coghub:"
"""Begins a URL of a file that the hub holds, as it stands in rows: `coghub:/files/KEY/NAME`.

Clients are shown it below the address by which they reach the hub.
"""


class EventKind(StrEnum):
    """What an event tells."""

    LOGS = "logs"
    OUTPUT = "output"


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of output."""

    value: Any
    index: int | None
    """Its place in the output list; None where it is the whole output."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that a prediction told."""

    sequence: int
    """From 1 on, without gaps."""
    kind: EventKind
    content: str | Chunk
    created_at: datetime


@dataclass(frozen=True, slots=True)
class End:
    """How a prediction ended."""

    status: Status
    error: str | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    is_list: bool = False
    """The output is a list even where no item came."""


def output_of(chunks: Iterable[Chunk], *, is_list: bool = False) -> Any:
    """Return the output that some chunks, in order, make up."""
    whole: Any = None
    items = list[Any]()
    for chunk in chunks:
        if chunk.index is None:
            whole = chunk.value
        else:
            items.append(chunk.value)
    return items if items or is_list else whole


@dataclass(frozen=True, slots=True)
class Prediction:
    """One call of one version."""

    id: str
    account_id: int
    model: str
    """`owner/name`."""
    version: Version
    input: Mapping[str, Any]
    """As it was given, secrets redacted; defaults are not filled in."""
    status: Status
    created_at: datetime
    source: Source
    stream_key: str
    """The unguessable part of its stream's URL."""
    base_url: str
    """How its maker reached the hub."""
    output: Any = None
    logs: str = ""
    error: str | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    started_at: datetime | None = None
    completed_at: datetime | None = None
    deadline: datetime | None = None
    webhook: str | None = None
    webhook_events: tuple[WebhookEvent, ...] | None = None
    """None asks for the default: `output` and `completed`."""
    attempt: int = 0
    """How often it was given to an instance."""
    is_inline: bool = False
    """Its maker waited for it: on plain http files are shown as data URIs."""
    is_data_removed: bool = False
    deployment: str | None = None
    """The name of the deployment that it was made by."""
    destination: str | None = None
    """`owner/name` of the model that gets what a training makes; None where it is no training."""

    @property
    def is_training(self) -> bool:
        """Whether the version trains, and does not predict."""
        return self.destination is not None
