"""Queries that tell what a change of an attempt did whose answer never came.

A connection may break behind a commit and before its answer. Who tries such a change again asks
here first, so that nothing is told twice, and what was done is taken for done.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select

from coghub.database.attempts import Batch, Recorded
from coghub.database.columns import Moment
from coghub.database.predictions import WAITING, waiting_of
from coghub.database.schema import prediction_events, predictions
from coghub.database.statements import Statement
from coghub.domain.prediction import End, Status
from coghub.domain.signals import Waiting

_IS_AT_ATTEMPT = (
    predictions.c.id == bindparam("key"),
    predictions.c.attempt == bindparam("known_attempt"),
)
_TOLD_AT = Statement(
    select(prediction_events.c.sequence)
    .where(
        prediction_events.c.prediction_id == bindparam("key"),
        prediction_events.c.created_at == bindparam("moment", type_=Moment),
    )
    .limit(1)
)
_ENDED = Statement(
    select(
        predictions.c.output,
        predictions.c.logs,
        predictions.c.error,
        predictions.c.metrics,
        predictions.c.started_at,
        predictions.c.completed_at,
        predictions.c.attempt,
    ).where(
        *_IS_AT_ATTEMPT,
        predictions.c.status == bindparam("ended_as"),
        predictions.c.completed_at >= bindparam("moment", type_=Moment),
    )
)
_GIVEN_BACK = Statement(
    select(*WAITING).where(
        *_IS_AT_ATTEMPT,
        predictions.c.completed_at.is_(None),
        predictions.c.status == Status.STARTING,
        predictions.c.hub_id.is_(None),
    )
)


def recorded(
    connection: Connection, prediction_id: str, attempt: int, batch: Batch, now: datetime
) -> Recorded | None:
    """Return what `attempts.record` did with a batch; None if it did nothing.

    What was told is known by its moment, which is the same one at each try: it counts
    microseconds, and one attempt tells one thing at a time.
    """
    if batch.end is not None:
        at_attempt = {"key": prediction_id, "known_attempt": attempt}
        return _ended(connection, at_attempt, batch.end, now)
    told = _TOLD_AT.first(connection, {"key": prediction_id, "moment": now})
    return None if told is None else Recorded()


def given_back(connection: Connection, prediction_id: str, attempt: int) -> Waiting | None:
    """Return a prediction as `attempts.give_back` let it wait; None if it did not."""
    values = {"key": prediction_id, "known_attempt": attempt}
    row = _GIVEN_BACK.mapping(connection, values)
    return None if row is None else waiting_of(row)


def _ended(
    connection: Connection, at_attempt: Mapping[str, Any], end: End, now: datetime
) -> Recorded | None:
    values = {**at_attempt, "ended_as": end.status, "moment": now}
    row = _ENDED.mapping(connection, values)
    if row is None:
        return None
    return Recorded({**{str(name): it for name, it in row.items()}, "status": end.status})
