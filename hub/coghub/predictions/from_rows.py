"""Predictions as rows hold them."""

from collections.abc import Mapping
from typing import Any

from coghub.domain.model import Version
from coghub.domain.prediction import Prediction, Source, Status, WebhookEvent

ROW_FIELDS = (
    "id", "account_id", "input", "status", "created_at", "source", "stream_key", "base_url",
    "output", "logs", "error", "metrics", "started_at", "completed_at", "deadline", "webhook",
    "webhook_events", "attempt", "is_inline", "is_data_removed", "destination", "deployment",
)  # fmt: skip
"""The columns that are shown of one."""
NOT_YET: Mapping[str, Any] = {
    "destination": None,
    "output": None,
    "logs": "",
    "error": None,
    "metrics": None,
    "started_at": None,
    "completed_at": None,
    "attempt": 0,
    "is_data_removed": False,
}
"""What a new row holds in columns that are given nothing."""


def prediction_of(fields: Mapping[str, Any], version: Version, model: str) -> Prediction:
    """Return the prediction of a row with `ROW_FIELDS`.

    Args:
        fields: its columns.
        version: what it runs.
        model: `owner/name`.
    """
    events = fields["webhook_events"]
    values: dict[str, Any] = {name: fields[name] for name in ROW_FIELDS}
    values["status"] = Status(fields["status"])
    values["source"] = Source(fields["source"])
    values["metrics"] = fields["metrics"] or {}
    values["webhook_events"] = None if events is None else tuple(map(WebhookEvent, events))
    return Prediction(**values, version=version, model=model)
