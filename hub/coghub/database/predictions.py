"""Queries that add and find predictions, and what they told; `attempts` moves them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Integer,
    RowMapping,
    bindparam,
    case,
    func,
    insert,
    select,
)

from coghub.database.schema import prediction_events, predictions
from coghub.database.statements import Statement
from coghub.domain.prediction import Chunk, Event, EventKind, Source, Status
from coghub.domain.signals import Waiting

Query = Callable[[Connection], RowMapping | None]
"""Finds a prediction's row."""
SHOWN = tuple(column for column in predictions.c if column.name != "secret_input")


_ADD = Statement(insert(predictions))
_BY_ID = Statement(select(*SHOWN).where(predictions.c.id == bindparam("key")))
_STATUS = Statement(select(predictions.c.status).where(predictions.c.id == bindparam("key")))
_BY_STREAM_KEY = Statement(select(*SHOWN).where(predictions.c.stream_key == bindparam("key")))


def add(connection: Connection, values: Mapping[str, Any]) -> None:
    """Add a prediction."""
    _ADD.run(connection, values)


_COUNT_OPEN = Statement(
    select(
        func.count(),
        func.coalesce(
            func.sum(case((predictions.c.account_id == bindparam("account"), 1), else_=0)), 0
        ),
    ).where(predictions.c.completed_at.is_(None))
)


def count_open(connection: Connection, account_id: int) -> tuple[int, int]:
    """Return how many predictions have not ended: of all accounts, and of one."""
    row = _COUNT_OPEN.first(connection, {"account": account_id})
    assert row is not None
    return row[0], row[1]


def by_id(connection: Connection, prediction_id: str) -> RowMapping | None:
    """Return a prediction's row."""
    return _BY_ID.mapping(connection, {"key": prediction_id})


def status_of(connection: Connection, prediction_id: str) -> Status | None:
    """Return where a prediction stands."""
    found = _STATUS.scalar(connection, {"key": prediction_id})
    return None if found is None else Status(found)


def by_stream_key(connection: Connection, stream_key: str) -> RowMapping | None:
    """Return the row of the prediction whose stream has this key."""
    return _BY_STREAM_KEY.mapping(connection, {"key": stream_key})


@dataclass(frozen=True, slots=True)
class Filter:
    """Which predictions are listed."""

    created_after: datetime | None = None
    """Inclusive."""
    created_before: datetime | None = None
    source: Source | None = None
    model_id: int | None = None
    deployment_id: int | None = None
    status: Status | None = None
    is_training: bool = False
    """Those with a destination, or those without."""


_EVENTS = Statement(
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
    return [_event_of(*row) for row in _EVENTS.all(connection, values)]


def _event_of(sequence: int, kind: str, content: Any, created_at: datetime) -> Event:
    if kind == EventKind.OUTPUT:
        content = Chunk(content["value"], content["index"])
    return Event(sequence, EventKind(kind), content, created_at)


def ended_among(connection: Connection, ids: Collection[str]) -> Sequence[str]:
    """Return which of some predictions have ended."""
    query = select(predictions.c.id).where(
        predictions.c.id.in_(ids), predictions.c.completed_at.is_not(None)
    )
    return connection.execute(query).scalars().all() if ids else ()


WAITING = (
    predictions.c.id,
    predictions.c.account_id,
    predictions.c.version_key,
    predictions.c.created_at,
    predictions.c.attempt,
    predictions.c.destination,
    predictions.c.deployment_id,
)
"""What `waiting_of` needs."""


def waiting_of(row: Mapping[Any, Any]) -> Waiting:
    """Return a row as a place in the queue."""
    return Waiting(
        row["id"],
        row["account_id"],
        row["version_key"],
        row["created_at"],
        row["attempt"],
        destination=row["destination"],
        deployment_id=row["deployment_id"],
    )


# --- clocks ---


def overdue(connection: Connection, now: datetime) -> Sequence[str]:
    """Return the ids of those whose own deadline has passed."""
    query = select(predictions.c.id).where(
        predictions.c.completed_at.is_(None), predictions.c.deadline <= now
    )
    return connection.execute(query).scalars().all()


def running_since(
    connection: Connection, before: datetime, *, is_training: bool = False
) -> Sequence[str]:
    """Return the ids of those that run since before a moment: of predictions, or of trainings."""
    query = select(predictions.c.id).where(
        predictions.c.completed_at.is_(None),
        predictions.c.status == Status.PROCESSING,
        predictions.c.started_at < before,
        predictions.c.destination.is_not(None) == is_training,
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
