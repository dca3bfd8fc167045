"""Queries that move predictions: an attempt begins, tells something, ends, is given back.

Each asks for the attempt, and that the prediction has not ended: whatever comes late, or twice,
finds no row and changes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from coghub.database import usage, webhooks
from coghub.database.columns import Moment
from coghub.database.predictions import WAITING, events_of, waiting_of
from coghub.database.schema import models, prediction_events, predictions
from coghub.database.statements import Statement
from coghub.domain.prediction import Chunk, End, EventKind, Status, output_of
from coghub.domain.signals import Waiting


@dataclass(frozen=True, slots=True)
class Assigned:
    """What an instance is to be told, once its prediction was given to it."""

    input: Mapping[str, Any]
    secret_input: bytes | None
    attempt: int
    base_url: str
    webhook: str | None
    webhook_events: Sequence[str] | None


FIRST_ATTEMPT = 1
"""Of a prediction that was given to an instance as it was made."""


def given(hardware: str, hub_id: int) -> Mapping[str, Any]:
    """Return what the new row of a prediction holds that need not wait."""
    return {"attempt": FIRST_ATTEMPT, "hardware": hardware, "hub_id": hub_id}


def assigned_of(row: Mapping[str, Any]) -> Assigned:
    """Return what an instance is to be told of a prediction whose row holds this."""
    return Assigned(**{it.name: row[it.name] for it in fields(Assigned)})


_ASSIGN = Statement(
    update(predictions)
    .where(
        predictions.c.id == bindparam("key"),
        predictions.c.attempt == bindparam("known_attempt"),
        predictions.c.status == Status.STARTING,
        predictions.c.completed_at.is_(None),
    )
    .values(
        attempt=predictions.c.attempt + 1,
        hardware=bindparam("given_to"),
        hub_id=bindparam("by_hub"),
    )
    .returning(
        predictions.c.input,
        predictions.c.secret_input,
        predictions.c.attempt,
        predictions.c.base_url,
        predictions.c.webhook,
        predictions.c.webhook_events,
    )
)


def assign(
    connection: Connection,
    waiting: Waiting,
    hardware: str | None = None,
    *,
    hub_id: int | None = None,
) -> Assigned | None:
    """Begin the next attempt; None if it does not wait any more, as another hub took it."""
    values = {
        "key": waiting.id,
        "known_attempt": waiting.attempt,
        "given_to": hardware,
        "by_hub": hub_id,
    }
    row = _ASSIGN.first(connection, values)
    return None if row is None else Assigned(*row)


@dataclass(slots=True)
class Batch:
    """What an instance told of a prediction since the last time."""

    started_at: datetime | None = None
    told: list[tuple[EventKind, Any]] = field(default_factory=list)
    """Text of logs, and chunks of output."""
    end: End | None = None

    def __bool__(self) -> bool:
        return bool(self.started_at or self.told or self.end)


_IS_AT_ATTEMPT = (
    predictions.c.id == bindparam("key"),
    predictions.c.attempt == bindparam("known_attempt"),
    predictions.c.completed_at.is_(None),
)
_TO_FINISH = (
    predictions.c.created_at,
    predictions.c.started_at,
    predictions.c.account_id,
    predictions.c.model_id,
    predictions.c.hardware,
    predictions.c.webhook,
    predictions.c.attempt,
    predictions.c.destination,
)
_UNDER_WAY = Statement(select(*_TO_FINISH).where(*_IS_AT_ATTEMPT))
_OPEN = Statement(
    select(*_TO_FINISH).where(
        predictions.c.id == bindparam("key"), predictions.c.completed_at.is_(None)
    )
)
_START = Statement(
    update(predictions)
    .where(*_IS_AT_ATTEMPT)
    .values(status=Status.PROCESSING, started_at=bindparam("moment", type_=Moment))
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A batch that was applied."""

    ended: Mapping[str, Any] | None = None
    """What the columns of a prediction that it ended hold now, as far as that changed."""


def record(
    connection: Connection, prediction_id: str, attempt: int, batch: Batch, now: datetime
) -> Recorded | None:
    """Apply a batch of one attempt; None, and nothing is changed, if it is not under way."""
    values: dict[str, Any] = {"key": prediction_id, "known_attempt": attempt}
    row = _UNDER_WAY.first(connection, values)
    if row is None:
        return None
    if batch.end:
        return Recorded(_finish(connection, prediction_id, row, batch, now))
    if batch.started_at:
        _START.run(connection, {**values, "moment": batch.started_at})
    if batch.told:
        last = _LAST_EVENT.scalar(connection, {"key": prediction_id})
        _append(connection, prediction_id, last or 0, batch.told, now)
    return Recorded()


def tell(connection: Connection, prediction_ids: Iterable[tuple[str, str]], now: datetime) -> None:
    """Append text to the logs of predictions (id, text) that have not ended."""
    for prediction_id, text in prediction_ids:
        if _OPEN.first(connection, {"key": prediction_id}) is not None:
            last = _LAST_EVENT.scalar(connection, {"key": prediction_id})
            _append(connection, prediction_id, last or 0, [(EventKind.LOGS, text)], now)


def finish(
    connection: Connection,
    prediction_id: str,
    end: End,
    now: datetime,
    *,
    attempt: int | None = None,
) -> bool:
    """End a prediction; False if it has ended, or is at another attempt."""
    row = _OPEN.first(connection, {"key": prediction_id})
    if row is None or (attempt is not None and row.attempt != attempt):
        return False
    _finish(connection, prediction_id, row, Batch(end=end), now)
    return True


def give_back(
    connection: Connection, prediction_id: str, attempt: int, *, counts: bool
) -> Waiting | None:
    """Let a prediction whose attempt failed wait again; None if it has ended, or told output.

    Args:
        connection: of the transaction.
        prediction_id: which one.
        attempt: the one that failed.
        counts: an attempt that its instance's death ended; there is one of these.
    """
    if has_output(connection, prediction_id):
        return None
    columns = predictions.c
    change = (
        update(predictions)
        .where(
            columns.id == prediction_id,
            columns.attempt == attempt,
            columns.completed_at.is_(None),
            columns.failed_attempts < (1 if counts else 1_000_000),
        )
        .values(
            status=Status.STARTING,
            started_at=None,
            hub_id=None,
            failed_attempts=columns.failed_attempts + int(counts),
        )
        .returning(*WAITING)
    )
    row = connection.execute(change).mappings().first()
    return None if row is None else waiting_of(row)


def release(
    connection: Connection, left: Waiting, end: End, now: datetime
) -> Waiting | Mapping[str, Any] | None:
    """Take up a prediction that a hub ran which is gone.

    Where that is in doubt, as its machine stood still, it finds that it runs an old attempt.

    Args:
        connection: of the transaction.
        left: the prediction, and the attempt that was under way.
        end: how it ends if it cannot be begun again, as it told output, or is a training.
        now: the moment.

    Returns:
        It as it waits again; or what the columns of its row hold, if it has ended so; None if
        it was taken up already.
    """
    values = {"key": left.id, "known_attempt": left.attempt}
    row = _UNDER_WAY.first(connection, values)
    if row is None:
        return None
    if not left.is_training:
        back = give_back(connection, left.id, left.attempt, counts=False)
        if back is not None:
            fenced = replace(back, attempt=back.attempt + 1)
            _FENCE.run(connection, {"key": left.id, "next_attempt": fenced.attempt})
            return fenced
    return _finish(connection, left.id, row, Batch(end=end), now)


def has_output(connection: Connection, prediction_id: str) -> bool:
    """Tell whether a prediction has told any output."""
    query = select(prediction_events.c.sequence).where(
        prediction_events.c.prediction_id == prediction_id,
        prediction_events.c.kind == EventKind.OUTPUT,
    )
    return connection.execute(query.limit(1)).first() is not None


_FENCE = Statement(
    update(predictions)
    .where(predictions.c.id == bindparam("key"))
    .values(attempt=bindparam("next_attempt"))
)
_LAST_EVENT = Statement(
    select(func.max(prediction_events.c.sequence)).where(
        prediction_events.c.prediction_id == bindparam("key")
    )
)
_ADD_EVENT = Statement(insert(prediction_events))
_FINISH = Statement(
    update(predictions).where(predictions.c.id == bindparam("key")),
    sets=(
        "status", "output", "logs", "error", "metrics", "started_at", "completed_at", "attempt",
        "secret_input",
    ),
)  # fmt: skip
_COUNT_RUN = Statement(
    update(models).where(models.c.id == bindparam("key")).values(run_count=models.c.run_count + 1)
)


def _append(
    connection: Connection,
    prediction_id: str,
    last: int,
    told: Sequence[tuple[EventKind, Any]],
    now: datetime,
) -> None:
    rows = [
        {
            "prediction_id": prediction_id,
            "sequence": sequence,
            "kind": kind,
            "content": content,
            "created_at": now,
        }
        for sequence, (kind, content) in enumerate(told, last + 1)
    ]
    _ADD_EVENT.run_each(connection, rows)


def _finish(
    connection: Connection,
    prediction_id: str,
    row: Row[*tuple[Any, ...]],
    batch: Batch,
    now: datetime,
) -> Mapping[str, Any]:
    """Fold what was told into the row and end it; return what it holds now.

    The caller has read the row, and has seen that it is open.
    """
    assert batch.end is not None
    events = events_of(connection, prediction_id)
    if batch.told:
        _append(connection, prediction_id, events[-1].sequence if events else 0, batch.told, now)
    values = _ended(row, [*(event.content for event in events), *_contents(batch)], batch, now)
    _FINISH.run(connection, {**values, "key": prediction_id})
    if row.destination is None:  # a training is no run of the model
        _COUNT_RUN.run(connection, {"key": row.model_id})
    usage.count(connection, row, values)
    if row.webhook:
        webhooks.add_completed(connection, prediction_id, now)
    return values


def _contents(batch: Batch) -> list[Any]:
    return [content for _, content in batch.told]


def _ended(
    row: Row[*tuple[Any, ...]], contents: Sequence[Any], batch: Batch, now: datetime
) -> dict[str, Any]:
    """Return what the columns of a prediction hold after its end."""
    end, started_at = batch.end, batch.started_at or row.started_at
    assert end is not None
    now = max(now, row.created_at, started_at or now)  # the clock may have been set back
    metrics = {**end.metrics, "total_time": (now - row.created_at).total_seconds()}
    if started_at is not None and "predict_time" not in metrics:
        metrics["predict_time"] = (now - started_at).total_seconds()
    chunks = [content for content in contents if isinstance(content, Chunk)]
    return {
        "status": end.status,
        "output": output_of(chunks, is_list=end.is_list),
        "logs": "".join(content for content in contents if isinstance(content, str)),
        "error": end.error,
        "metrics": metrics,
        "started_at": started_at,
        "completed_at": now,
        "attempt": row.attempt,
    }
