"""Queries on predictions and what they told.

A prediction is moved by updates that name the attempt and ask that it has not ended: whatever
comes late, or twice, finds no row and changes nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Integer,
    RowMapping,
    and_,
    bindparam,
    case,
    func,
    insert,
    or_,
    select,
    update,
)

from coghub.database import webhooks
from coghub.database.columns import Moment
from coghub.database.schema import models, prediction_events, predictions
from coghub.domain.prediction import Chunk, End, Event, EventKind, Source, Status, output_of
from coghub.domain.signals import Waiting

Query = Callable[[Connection], RowMapping | None]
"""Finds a prediction's row."""
SHOWN = tuple(column for column in predictions.c if column.name != "secret_input")


# Statements of the hot path are made once: to build one anew costs more than to run it.
_ADD = insert(predictions)
_BY_ID = select(*SHOWN).where(predictions.c.id == bindparam("key"))
_STATUS = select(predictions.c.status).where(predictions.c.id == bindparam("key"))
_BY_STREAM_KEY = select(*SHOWN).where(predictions.c.stream_key == bindparam("key"))


def add(connection: Connection, values: Mapping[str, Any]) -> None:
    """Add a prediction."""
    connection.execute(_ADD, values)


_COUNT_OPEN = select(
    func.count(),
    func.coalesce(
        func.sum(case((predictions.c.account_id == bindparam("account"), 1), else_=0)), 0
    ),
).where(predictions.c.completed_at.is_(None))


def count_open(connection: Connection, account_id: int) -> tuple[int, int]:
    """Return how many predictions have not ended: of all accounts, and of one."""
    total, own = connection.execute(_COUNT_OPEN, {"account": account_id}).one()
    return total, own


def by_id(connection: Connection, prediction_id: str) -> RowMapping | None:
    """Return a prediction's row."""
    return connection.execute(_BY_ID, {"key": prediction_id}).mappings().first()


def status_of(connection: Connection, prediction_id: str) -> Status | None:
    """Return where a prediction stands."""
    found = connection.execute(_STATUS, {"key": prediction_id}).scalar()
    return None if found is None else Status(found)


def by_stream_key(connection: Connection, stream_key: str) -> RowMapping | None:
    """Return the row of the prediction whose stream has this key."""
    return connection.execute(_BY_STREAM_KEY, {"key": stream_key}).mappings().first()


@dataclass(frozen=True, slots=True)
class Filter:
    """Which predictions are listed."""

    created_after: datetime | None = None
    """Inclusive."""
    created_before: datetime | None = None
    source: Source | None = None


def of_account(
    connection: Connection,
    account_id: int,
    wanted: Filter,
    *,
    after: tuple[datetime, str] | None,
    limit: int,
) -> Sequence[RowMapping]:
    """Return rows of an account, the newest first, from behind `after` (created_at, id) on."""
    made = predictions.c.created_at
    query = select(*SHOWN).where(predictions.c.account_id == account_id)
    if wanted.created_after is not None:
        query = query.where(made >= wanted.created_after)
    if wanted.created_before is not None:
        query = query.where(made < wanted.created_before)
    if wanted.source is not None:
        query = query.where(predictions.c.source == wanted.source)
    if after is not None:
        moment, prediction_id = after
        is_same = and_(made == moment, predictions.c.id < prediction_id)
        query = query.where(made <= moment, or_(made < moment, is_same))
    query = query.order_by(made.desc(), predictions.c.id.desc()).limit(limit)
    return connection.execute(query).mappings().all()


_EVENTS = (
    select(
        prediction_events.c.sequence,
        prediction_events.c.kind,
        prediction_events.c.content,
        prediction_events.c.created_at,
    )
    .where(
        prediction_events.c.prediction_id == bindparam("id"),
        prediction_events.c.sequence > bindparam("after"),
    )
    .order_by(prediction_events.c.sequence)
    .limit(bindparam("most", type_=Integer))
)
NO_LIMIT = 2**31 - 1


def events_of(
    connection: Connection, prediction_id: str, *, after: int = 0, limit: int = NO_LIMIT
) -> Sequence[Event]:
    """Return what a prediction told, from behind a sequence number on."""
    values = {"id": prediction_id, "after": after, "most": limit}
    return [_event_of(row) for row in connection.execute(_EVENTS, values).mappings()]


def _event_of(row: RowMapping) -> Event:
    kind, content = EventKind(row["kind"]), row["content"]
    if kind is EventKind.OUTPUT:
        content = Chunk(content["value"], content["index"])
    return Event(row["sequence"], kind, content, row["created_at"])


# --- on the way through ---


def open_ones(connection: Connection) -> Sequence[RowMapping]:
    """Return the rows of all that have not ended, the oldest first."""
    query = (
        select(*SHOWN)
        .where(predictions.c.completed_at.is_(None))
        .order_by(predictions.c.created_at, predictions.c.id)
    )
    return connection.execute(query).mappings().all()


def waiting_of(row: RowMapping) -> Waiting:
    """Return a row as a place in the queue."""
    return Waiting(
        row["id"], row["account_id"], row["version_key"], row["created_at"], row["attempt"]
    )


@dataclass(frozen=True, slots=True)
class Assigned:
    """What an instance is to be told, once its prediction was given to it."""

    input: Mapping[str, Any]
    secret_input: bytes | None
    attempt: int
    base_url: str
    webhook: str | None
    webhook_events: Sequence[str] | None


_ASSIGN = (
    update(predictions)
    .where(
        predictions.c.id == bindparam("key"),
        predictions.c.attempt == bindparam("known_attempt"),
        predictions.c.status == Status.STARTING,
        predictions.c.completed_at.is_(None),
    )
    .values(attempt=predictions.c.attempt + 1)
    .returning(
        predictions.c.input,
        predictions.c.secret_input,
        predictions.c.attempt,
        predictions.c.base_url,
        predictions.c.webhook,
        predictions.c.webhook_events,
    )
)


def assign(connection: Connection, waiting: Waiting) -> Assigned | None:
    """Begin the next attempt; None if it does not wait any more."""
    values = {"key": waiting.id, "known_attempt": waiting.attempt}
    row = connection.execute(_ASSIGN, values).first()
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
_START = (
    update(predictions)
    .where(*_IS_AT_ATTEMPT)
    .values(status=Status.PROCESSING, started_at=bindparam("moment", type_=Moment))
)
_GO_ON = select(predictions.c.id).where(*_IS_AT_ATTEMPT)


def record(
    connection: Connection, prediction_id: str, attempt: int, batch: Batch, now: datetime
) -> bool:
    """Apply a batch of one attempt; False, and nothing is changed, if it is not under way."""
    values: dict[str, Any] = {"key": prediction_id, "known_attempt": attempt}
    if batch.started_at:
        is_under_way = connection.execute(_START, {**values, "moment": batch.started_at}).rowcount
    else:
        is_under_way = connection.execute(_GO_ON, values).first() is not None
    if not is_under_way:
        return False
    _append(connection, prediction_id, batch.told, now)
    if batch.end:
        _finish(connection, prediction_id, batch.end, now)
    return True


def tell(connection: Connection, prediction_ids: Iterable[tuple[str, str]], now: datetime) -> None:
    """Append text to the logs of predictions (id, text) that have not ended."""
    for prediction_id, text in prediction_ids:
        query = select(predictions.c.id).where(
            predictions.c.id == prediction_id, predictions.c.completed_at.is_(None)
        )
        if connection.execute(query).first() is not None:
            _append(connection, prediction_id, [(EventKind.LOGS, text)], now)


def finish(
    connection: Connection,
    prediction_id: str,
    end: End,
    now: datetime,
    *,
    attempt: int | None = None,
) -> bool:
    """End a prediction; False if it has ended, or is at another attempt."""
    query = select(predictions.c.attempt).where(
        predictions.c.id == prediction_id, predictions.c.completed_at.is_(None)
    )
    found = connection.execute(query).scalar()
    if found is None or (attempt is not None and found != attempt):
        return False
    _finish(connection, prediction_id, end, now)
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
            failed_attempts=columns.failed_attempts + int(counts),
        )
        .returning(
            columns.id, columns.account_id, columns.version_key, columns.created_at, columns.attempt
        )
    )
    row = connection.execute(change).mappings().first()
    return None if row is None else waiting_of(row)


def has_output(connection: Connection, prediction_id: str) -> bool:
    """Tell whether a prediction has told any output."""
    query = select(prediction_events.c.sequence).where(
        prediction_events.c.prediction_id == prediction_id,
        prediction_events.c.kind == EventKind.OUTPUT,
    )
    return connection.execute(query.limit(1)).first() is not None


_LAST_EVENT = select(func.max(prediction_events.c.sequence)).where(
    prediction_events.c.prediction_id == bindparam("key")
)
_ADD_EVENTS = insert(prediction_events)
_TO_FINISH = select(
    predictions.c.created_at,
    predictions.c.started_at,
    predictions.c.model_id,
    predictions.c.webhook,
).where(predictions.c.id == bindparam("key"))
_FINISH = update(predictions).where(predictions.c.id == bindparam("key"))
_COUNT_RUN = (
    update(models).where(models.c.id == bindparam("key")).values(run_count=models.c.run_count + 1)
)


def _append(
    connection: Connection,
    prediction_id: str,
    told: Sequence[tuple[EventKind, Any]],
    now: datetime,
) -> None:
    if not told:
        return
    last = connection.execute(_LAST_EVENT, {"key": prediction_id}).scalar()
    rows = [
        {
            "prediction_id": prediction_id,
            "sequence": sequence,
            "kind": kind,
            "content": content,
            "created_at": now,
        }
        for sequence, (kind, content) in enumerate(told, (last or 0) + 1)
    ]
    connection.execute(_ADD_EVENTS, rows)


def _finish(connection: Connection, prediction_id: str, end: End, now: datetime) -> None:
    """Fold what was told into the row and end it; the caller has seen that it is open."""
    events = events_of(connection, prediction_id)
    row = connection.execute(_TO_FINISH, {"key": prediction_id}).one()
    chunks = [event.content for event in events if isinstance(event.content, Chunk)]
    texts = [event.content for event in events if isinstance(event.content, str)]
    metrics = {**end.metrics, "total_time": (now - row.created_at).total_seconds()}
    if row.started_at is not None and "predict_time" not in metrics:
        metrics["predict_time"] = (now - row.started_at).total_seconds()
    values = {
        "key": prediction_id,
        "status": end.status,
        "output": output_of(chunks, is_list=end.is_list),
        "logs": "".join(texts),
        "error": end.error,
        "metrics": metrics,
        "completed_at": now,
        "secret_input": None,
    }
    connection.execute(_FINISH, values)
    connection.execute(_COUNT_RUN, {"key": row.model_id})
    if row.webhook:
        webhooks.add_completed(connection, prediction_id, now)


# --- clocks ---


def overdue(connection: Connection, now: datetime) -> Sequence[str]:
    """Return the ids of those whose own deadline has passed."""
    query = select(predictions.c.id).where(
        predictions.c.completed_at.is_(None), predictions.c.deadline <= now
    )
    return connection.execute(query).scalars().all()


def running_since(connection: Connection, before: datetime) -> Sequence[str]:
    """Return the ids of those that run since before a moment."""
    query = select(predictions.c.id).where(
        predictions.c.completed_at.is_(None),
        predictions.c.status == Status.PROCESSING,
        predictions.c.started_at < before,
    )
    return connection.execute(query).scalars().all()


def waiting_since(connection: Connection, before: datetime) -> Sequence[str]:
    """Return the ids of those that wait since before a moment."""
    query = select(predictions.c.id).where(
        predictions.c.completed_at.is_(None),
        predictions.c.status == Status.STARTING,
        predictions.c.created_at < before,
    )
    return connection.execute(query).scalars().all()
