"""One call of one version, and the states it goes through."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from coghub.domain.model import Model, Version


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


@dataclass(frozen=True, slots=True)
class Prediction:
    """One call of one version."""

    id: str
    account_id: int
    model: Model
    version: Version
    input: Mapping[str, Any]
    """As it was given, secrets redacted; defaults are not filled in."""
    status: Status
    created_at: datetime
    source: Source = Source.API
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
    stream_key: str = ""
    """The unguessable part of its stream's URL."""
    attempt: int = 0
    """How often it was given to an instance."""
    is_data_removed: bool = False
